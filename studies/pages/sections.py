"""The parts of `docs/results.md`, each from rows alone."""

from __future__ import annotations

from collections.abc import Sequence

from studies.pages import budgets
from studies.pages.cells import Entry, convergence, dagger, dagger_note, pooled_auroc, shortcut, table
from unseen.evaluation.intervals import interval_text as figure

SOURCES = ("pooled", "shenzhen", "montgomery")


def aurocs(row: Entry) -> list[str]:
    """Pooled and per source."""
    return [figure(row["metrics"]["auroc"].get(source)) for source in SOURCES]


def real_section(rows: Sequence[Entry], words: str, comparison: Entry | None) -> list[str]:
    """Return one view on real films: the detectors, their scores' parts, the audit, the differences."""
    first = rows[0]
    n = first["metrics"]["n"]["pooled"]
    head = ["Detector", *SOURCES, "site", "training, s per fold", "losses"]
    blocks = [
        f"## Montgomery + Shenzhen: {words}, {first['px']} px",
        f"{first['px']} px, folds 1 to 4, {n['normal']} normal and {n['abnormal']} abnormal films, seed "
        f"{first['seed']}. AUROC with its 95 % interval. *Site*: how well the score separates the normals of the two "
        "hospitals (0.5 is good). *Losses*: whether the weighted generator loss had converged.",
        table(head, (_real_line(row) for row in rows)),
        *dagger_note(rows),
        "AUROC of each part of the score by itself (*latent*: ‖z − ẑ‖₂, the methods' own score; *reconstruction*: mean "
        "absolute residual inside the mask). For information only; we did not select on it.",
        table(
            ["Part of the score", *SOURCES],
            (
                [f"{budgets.named(row)}: {name}", *(figure(part.get(source)) for source in SOURCES)]
                for row in rows
                if len(row["parts"]) > 1
                for name, part in row["parts"].items()
            ),
        ),
        "**Baseline: simple image statistics.** AUROC of each statistic on the same films. A value below 0.5 means "
        "that normal films have more of it. The mix of all statistics is fitted with the labels (supervised).",
        audit(first),
        "**Detector against the strongest single statistic**, paired on the same films:",
        _against_statistics(rows),
    ]
    if comparison is not None:
        blocks += [
            "**Differences**, paired on the same films, with DeLong's p:",
            _pairs(comparison["comparison"], rows),
        ]
    return blocks


def shipped_section(rows: Sequence[Entry], finder: Entry | None, choice: Entry | None) -> list[str]:
    """Return the pretrained models: their recipes, cross-validated, and fold 4 by the weights themselves."""
    head = ["Model", *(f"recipe, {source}" for source in SOURCES), "site", "weights, fold 4"]
    blocks = [
        "## Pretrained models",
        "Trained on the normals of folds 0 to 3, lung crop; the lung segmentation model learns from the Montgomery "
        "masks and phantoms only. *Recipe*: the cross-validated estimate on folds 1 to 4, as above. *Weights, fold 4*: "
        "the float16 weights of the package on the films of the one fold that they did not learn from.",
        table(
            head,
            (
                [
                    budgets.named(row, f"models/{row['recipe'].removeprefix('shipped/')}"),
                    *aurocs(row),
                    figure(next(iter(row["metrics"]["site"].values()), None)),
                    figure(row["fold_4"]["auroc"]["pooled"]),
                ]
                for row in rows
            ),
        ),
    ]
    if finder is not None:
        lost, dice = finder["lost"], finder["dice"]
        blocks.append(
            f"The lung segmentation model, `models/lungs`, has a Dice of {dice['open']:.3f} on the {finder['films']} "
            "Shenzhen normals of folds 1 to 4, whose masks it never learns from. A model that learns from all masks "
            f"has {dice['all']:.3f}; the difference is {lost['value']:.4f} [{lost['low']:.4f}, {lost['high']:.4f}]."
        )
    if choice is not None:
        best = max(choice["auroc"], key=lambda entry: float(entry["auroc"]))
        default = next(e for e in choice["auroc"] if e["blur"] is None and e["components"] == 50)
        blocks.append(
            f"The settings of `models/pca` ({best['components']} components, blur {best['blur']:g} px) have the "
            f"highest AUROC of {len(choice['auroc'])} on fold 0, {best['auroc']:.2f}; the default (50, no blur) has "
            f"{default['auroc']:.2f} there. Later trainings of the same recipe have other figures on fold 0: [one "
            "recipe trained repeatedly](results-detectors.md#one-recipe-trained-repeatedly)."
        )
    return blocks


def twin_section(rows: Sequence[Entry]) -> list[str]:
    """Matched pairs of phantoms: what each detector sees of each lesion type."""
    metrics = rows[0]["metrics"]
    kinds = [("by_kind", kind) for kind in sorted(metrics["by_kind"])]
    contrasts = [("by_contrast", c) for c in ("faint", "moderate", "obvious") if c in metrics["by_contrast"]]
    groups = kinds + contrasts
    return [
        "## Matched pairs of phantoms",
        f"{rows[0]['pairs']} pairs of simulated films, the same anatomy and exposure with and without a lesion; "
        "trained on other phantoms. Intervals are drawn over pairs. The lesion is the only difference, so what "
        "separates the classes can only be the lesion.",
        table(
            ["Detector", "all", *(name for _, name in groups), "training, s", "losses"],
            (
                [
                    budgets.named(row),
                    figure(row["metrics"]["auroc"]["pooled"]),
                    *(figure(row["metrics"][by].get(name)) for by, name in groups),
                    f"{row['seconds']:.1f}",
                    convergence(row),
                ]
                for row in rows
            ),
        ),
        "Where the anomaly map points (*average precision* over pixels, *hit rate* of its brightest pixel):",
        table(
            ["Detector", *(f"{name}: {what}" for name in _localised(rows[0]) for what in ("precision", "hits"))],
            (
                [
                    budgets.named(row),
                    *(
                        figure(row["metrics"]["localisation"][name][key])
                        for name in _localised(row)
                        for key in ("average_precision", "hit_rate")
                    ),
                ]
                for row in rows
            ),
        ),
        "**Detector against the strongest single statistic**, paired on the same pairs:",
        _against_statistics(rows),
        f"Simple image statistics on the pairs. {_acquisition_sentence(rows[0])}",
        audit(rows[0]),
    ]


def conclusions(real: Sequence[Entry], twins: Sequence[Entry]) -> list[str]:
    """Return sentences that follow from the rows; each is computed, so it changes when they do."""
    lungs = [row for row in real if row["view"]["frame"] == "lungs"]
    whole = {(row["method"], row["px"]): row for row in real if row["view"]["frame"] == "whole"}
    said: list[str] = []
    if lungs:
        known = [row for row in lungs if row["metrics"]["auroc"]["pooled"].get("value") is not None]
        best = max(known, key=pooled_auroc)
        trained = budgets.in_brackets(lungs)
        said.append(
            f"Among the thesis's recipes and `pca`, on lung crops, `{best['method']}` at {best['px']} px has the "
            f"highest pooled AUROC, {aurocs(best)[0]}{trained}. We did not select on the order of the rows."
        )
        above = [f"`{row['recipe']}`" for row in lungs if _above_all(row)]
        said.append(
            f"Sharpness alone, a baseline without training, reaches {figure(shortcut(best, 'pooled', 'sharpness'))} "
            f"pooled and {figure(shortcut(best, 'montgomery', 'sharpness'))} on Montgomery. "
            + (
                "Significantly better than every single statistic on all films together: " + ", ".join(above)
                if above
                else f"No row is significantly better than every single statistic on all films together{trained}"
            )
            + "."
        )
        for row in lungs:
            if (row["method"], row["px"]) in whole:
                other = whole[row["method"], row["px"]]
                said.append(
                    f"{budgets.named(row)} at {row['px']} px, lung crop against whole film"
                    f"{dagger(other)}: {aurocs(row)[0]} against {aurocs(other)[0]} "
                    f"pooled, {aurocs(row)[2]} against {aurocs(other)[2]} on Montgomery."
                )
        unfinished = [
            f"`{row['recipe']}`{budgets.beside(row)}" for row in real if row["convergence"] == "not converged"
        ]
        if unfinished:
            said.append(
                f"Not converged in the epochs given: {', '.join(unfinished)}. Longer training could change these "
                "rows either way."
            )
    said += [
        f"On matched pairs of phantoms {budgets.named(row)} is "
        + (
            "significantly better than each single statistic."
            if _above_all(row)
            else "**not** significantly better than each single statistic."
        )
        for row in twins
    ]
    return ["## Conclusions", "\n".join(f"- {sentence}" for sentence in said)] if said else []


def provenance(rows: Sequence[Entry]) -> list[str]:
    """Return the section on method and provenance of every row."""
    head = [
        "Recipe",
        "digest",
        "seed",
        "device",
        "precision",
        "features",
        "steps per run",
        "training in total, s",
        "date",
    ]
    return [
        "## Method and provenance",
        "Real films: we trained each fold's detector and lung segmentation model on the normals of the other folds, "
        "and used no film of folds 1 to 4 for a choice by their scores. AUROC is the mean of the folds', weighted by "
        "n₀·n₁. Intervals are percentiles of 2,000 bootstrap draws within folds, stratified by source and label. *Not "
        "converged*: in one fold or more, the weighted generator loss's mean over the last tenth of the steps is more "
        "than 5 % below that of the tenth before; the curves are in the rows. Seconds are wall time under other load: "
        "an order of magnitude, not a benchmark. One seed: the intervals do not include the spread between trainings "
        "([how large it is](results-detectors.md#one-recipe-trained-repeatedly)).",
        table(
            head,
            (
                [
                    f"`{row['recipe']}`",
                    f"`{row['recipe_digest'][:8]}`",
                    str(row["seed"]),
                    row["device"],
                    row["flags"]["precision"],
                    str(row["features"] or "–"),
                    str(row["steps"] or "–"),
                    f"{row['seconds']:.1f}",
                    row["date"],
                ]
                for row in rows
            ),
        ),
    ]


def audit(row: Entry) -> str:
    """Return every trivial statistic's AUROC in every group, as a table."""
    groups = list(row["metrics"]["auroc"])
    if len(groups) == 2:
        groups = groups[:1]  # one source: pooled says it all
    names = list(row["metrics"]["shortcuts"][groups[0]])
    return table(
        ["Statistic", "acquisition", *groups],
        [
            *(
                [
                    name.replace("_", " "),
                    "yes" if shortcut(row, groups[0], name).get("acquisition") else "",
                    *(figure(shortcut(row, group, name)) for group in groups),
                ]
                for name in names
            ),
            ["mix (supervised)", "", *(figure(shortcut(row, group, "mix")) for group in groups)],
        ],
    )


def _real_line(row: Entry) -> list[str]:
    metrics = row["metrics"]
    return [
        budgets.named(row),
        *aurocs(row),
        figure(next(iter(metrics["site"].values()), None)),
        f"{row['seconds'] / max(1, len(row['folds'])):.1f}",
        convergence(row),
    ]


def _against_statistics(rows: Sequence[Entry]) -> str:
    """Return each detector and the strongest single statistic of the same films."""
    lines = []
    for row in rows:
        shortcuts = row["metrics"]["shortcuts"]
        name = shortcuts["strongest"]["pooled"]["name"]
        entry = shortcuts["pooled"][name]
        difference = entry["difference"]
        verdict = (
            "significantly better"
            if difference["low"] > 0
            else "significantly worse"
            if difference["high"] < 0
            else "no significant difference"
        )
        lines.append(
            [
                f"`{row['method']}`{dagger(row)}",
                figure(row["metrics"]["auroc"]["pooled"]),
                name.replace("_", " "),
                f"{entry['strength']:.2f}",
                figure(difference, sign=True),
                verdict,
                budgets.spent(row),
            ]
        )
    return table(
        ["Detector", "AUROC", "strongest statistic", "its AUROC", "difference", "result", "steps and width"], lines
    )


def _acquisition_sentence(row: Entry) -> str:
    known = [e["value"] for e in row["metrics"]["shortcuts"]["pooled"].values() if e["acquisition"] and e["value"]]
    within = all(0.45 <= value <= 0.55 for value in known)
    return (
        f"The *acquisition* ones lie between {min(known):.2f} and {max(known):.2f}, "
        + ("within" if within else "**not** within")
        + " the required 0.45 to 0.55:"
    )


def _pairs(comparison: Entry, rows: Sequence[Entry]) -> str:
    """Differences of each two detectors; a GAN's training and mark stand in its name."""
    of = {row["method"]: row for row in rows}
    return table(
        ["Difference in AUROC", "value", "DeLong's p"],
        (
            [
                " − ".join(budgets.named(of.get(pair[one], {}), pair[one]) for one in ("first", "second")),
                figure(pair["difference"], sign=True),
                "–" if pair["p"] is None else f"{pair['p']:.2g}",
            ]
            for pair in comparison["pairs"]
        ),
    )


def _localised(row: Entry) -> list[str]:
    return [name for name, entry in row["metrics"]["localisation"].items() if isinstance(entry, dict)]


def _above_all(row: Entry) -> bool:
    return bool(row["metrics"]["shortcuts"]["above_all"].get("pooled"))
