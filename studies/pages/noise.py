"""A study of robustness to added noise, from its row: where SURE is set beside the squared error."""

from __future__ import annotations

from collections.abc import Sequence

from studies.pages.budgets import FEATURES
from studies.pages.cells import Entry, table
from unseen.evaluation.intervals import interval_text as figure

_NOISES = {
    "gaussian": "Gaussian noise of known σ (network units, [−1, 1])",
    "poisson": "Noise of counts (Poisson), whose deviation at a middle grey is σ (network units, [−1, 1]),",
    "mixed": "Noise of counts and Gaussian read-out, each with half of σ² at a middle grey (network units),",
}


def noise_study(row: Entry) -> list[str]:
    """Return the study in words, then a table for each part of the score, and what it shows."""
    first, second = row["recipes"]
    names = {recipe: recipe.rpartition("/")[2].partition("-64")[0] for recipe in (first, second)}
    own = row["own_sigma"]
    blocks = [
        f"`{names[first]}` against `{names[second]}`, its matched recipe, which differs in one term. "
        f"{_NOISES[row['noise']]} is added once to each film after the View; {row['px']} px, {row['features']} of "
        f"{FEATURES} features, {row['steps']:,} steps, lung crop, fold {row['fold']} ({row['n']['normal']} normal and "
        f"{row['n']['abnormal']} abnormal films), seeds {', '.join(map(str, row['seeds']))}, {row['trainings']} "
        "trainings. SURE gets the added σ; "
        f"at σ = 0 the two are the same training. The films' own noise, estimated on the same grid: median "
        f"{own['0.5']:.3f}, quartiles {own['0.25']:.3f} to {own['0.75']:.3f}. Differences are paired (same films, same "
        f"noise, same seed), with 95 % intervals from {row['draws']} bootstrap draws over films and seeds."
        + (f" {row['not_converged']} of the trainings had not converged." if row["not_converged"] else "")
    ]
    after = f" ({row['steps']:,} steps, {row['features']} of {FEATURES} features)"
    head = ["trained at σ", "tested at σ", f"`{names[first]}`", f"`{names[second]}`", "difference"]
    for part, entries in row["auroc"].items():
        title = "The detectors' score, ‖z − ẑ‖₂" if part == "score" else f"The other part of the score: {part}"
        blocks.append(f"**{title}**")
        blocks.append(table(head, (_noise_line(entry, first, second) for entry in entries)))
        blocks.append(_noise_verdict(entries, names[first], after))
    return blocks


def _noise_line(entry: Entry, first: str, second: str) -> list[str]:
    trained, tested = f"{entry['trained']:g}", f"{entry['tested']:g}"
    if entry["trained"] == entry["tested"]:
        trained, tested = f"**{trained}**", f"**{tested}**"
    return [trained, tested, figure(entry[first]), figure(entry[second]), figure(entry["difference"], sign=True)]


def _noise_verdict(entries: Sequence[Entry], name: str, after: str) -> str:
    noisy = [entry for entry in entries if entry["trained"] > 0]
    better = [entry for entry in noisy if entry["difference"]["low"] > 0]
    worse = [entry for entry in noisy if entry["difference"]["high"] < 0]
    if not better and not worse:
        return (
            f"In all {len(noisy)} comparisons trained on noisy films{after}, the 95 % CI of the difference includes 0: "
            "**no significant difference**."
        )
    return (
        f"Of the {len(noisy)} comparisons trained with noise{after}, `{name}` is significantly better in "
        f"{len(better)} and worse in {len(worse)} (95 % CI of the difference excludes 0; no correction for the number "
        "of comparisons)."
    )
