"""ZhangLab's films (children): section of `results-detectors.md`, its sentence in the README, published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from studies import recipe_files
from studies.evidence.screen import Answer, SectionAnswer
from studies.pages import budgets
from studies.pages.cells import Entry, table
from studies.pages.repeated_patients import too_narrow
from studies.zhanglab.candidates import CANDIDATES
from studies.zhanglab.figures_on_films import ALIKE
from studies.zhanglab.trained import TRAINED
from unseen.evaluation.intervals import interval_text as figure

ENTRY, FIVE = "entry", "ensemble-five"
_PREFIX = "zhanglab/"
AIM, AIM_OF_PAIRS = 0.94, 0.90
"""Cross-validated AUROC, on all films and on pairs of like sharpness, that was aimed at."""
_UNKNOWN = "not known to us"
_SPLIT = "official split: its training normals; tested on 234 + 390"
_BY_LABELS = "the epoch is chosen by labelled films"
_STUDIES = "BMAD (arXiv 2306.11876), MedIAnomaly (arXiv 2404.04518)"
PUBLISHED = (
    ("AnatPaste", "ZhangLab", "0.921", _SPLIT, _BY_LABELS, "Sato et al. 2023"),
    ("SimSID", "ZhangLab", "0.91", _SPLIT, _UNKNOWN, "Xiang et al., arXiv 2403.08689"),
    ("SQUID", "ZhangLab", "0.876", _SPLIT, _UNKNOWN, "Xiang et al. 2023, arXiv 2111.13495"),
    ("AnatPaste", "CheXpert; RSNA", "0.787; 0.819", _UNKNOWN, _BY_LABELS, "Sato et al. 2023"),
    ("DAE; AE-U", "RSNA", "0.861; 0.865", _UNKNOWN, _UNKNOWN, _STUDIES),
    ("PatchCore; PaDiM", "RSNA", "0.76; 0.77", _UNKNOWN, _UNKNOWN, _STUDIES),
    ("AE; AE-U", "VinDr", "0.56; 0.74", _UNKNOWN, _UNKNOWN, _STUDIES),
)
"""Method, films, AUROC, numbers of normal and abnormal films, choice of the epoch, source."""


def entry_rows(rows: Mapping[str, Entry]) -> list[Entry]:
    """Return the rows of the entry in the order of their seeds; empty where it has none."""
    found = [row for row in rows.values() if row.get("recipe") == f"{_PREFIX}{ENTRY}"]
    return sorted(found, key=lambda row: int(row["seed"]))


def zhanglab_section(rows: Mapping[str, Entry]) -> list[str]:
    """Return the section of the detectors' page; empty without a row of the entry."""
    entries = entry_rows(rows)
    if not entries:
        return []
    candidates = [entries[0], *_of(rows, CANDIDATES)]
    others = [row for row in _of(rows, TRAINED) if row["recipe"] != f"{_PREFIX}{ENTRY}"]
    ordered = sorted(candidates, key=_mean_over_lesions, reverse=True)
    listed = [row for one in ordered for row in (entries if one is entries[0] else [one])]
    return [
        "## ZhangLab: paediatric films",
        _protocol(entries),
        _choice(candidates, entries) + "".join(_other_in_words(row) for row in others),
        table(
            [
                "Recipe", "seed", "synthetic lesions", "AUROC", *(f"pairs alike in {_words(one)}" for one in ALIKE),
                "looks",
            ],
            [_line(row) for row in [*listed, *others]],
        ),
        "Published AUROCs of detectors of normal films, without intervals. Those of ZhangLab are of the official test "
        "split (234 normal and 390 abnormal films), which was not used here, so the figures are not comparable. We do "
        "not know the training budgets of any of them.",
        table(["Method", "films", "AUROC", "numbers of films", "protocol", "source"], PUBLISHED),
    ]  # fmt: skip


def zhanglab_conclusion(rows: Mapping[str, Entry]) -> list[str]:
    """Return the conclusion on the entry, by its seed with the lowest AUROC; none without its row."""
    entries = entry_rows(rows)
    if not entries:
        return []
    return [
        "on ZhangLab's training split (children), trained on the normal films of the other folds, "
        f"`{_PREFIX}{ENTRY}`{budgets.of_recipe(recipe_files.load(_PREFIX + ENTRY))}{_reaches(entries)}"
    ]


def zhanglab_answer(rows: Mapping[str, Entry]) -> list[SectionAnswer]:
    """Return the section's line in the overview; none without a row of the entry."""
    entries = entry_rows(rows)
    if not entries:
        return []
    answer = Answer(
        "How well does a detector of normal films find pneumonia in children (ZhangLab's training split)?",
        f"`{_PREFIX}{ENTRY}`{budgets.of_recipe(recipe_files.load(_PREFIX + ENTRY))}{_reaches(entries)}",
        f"python -m studies.zhanglab {ENTRY}",
        max(str(row["date"]) for row in entries),
    )
    return [SectionAnswer("ZhangLab: paediatric films", "zhanglab-paediatric-films", answer)]


def _reaches(entries: Sequence[Entry]) -> str:
    """Return the figures of the seed with the lowest AUROC, and those of the best shortcut."""
    lowest = min(entries, key=lambda row: float(row["auroc"]["value"]))
    name, strongest = max(lowest["shortcuts"].items(), key=lambda one: float(one[1]["value"]))
    several = f", the lowest of {len(entries)}" if len(entries) > 1 else ""
    return (
        f", seed {lowest['seed']}{several}, reaches {figure(lowest['auroc'])}, {_words(name)} alone "
        f"{figure(strongest)}; on pairs alike in sharpness it has {figure(lowest['like_pairs']['sharpness'])}"
    )


def _protocol(entries: Sequence[Entry]) -> str:
    """Return the sentences on films, folds, seeds, aims and shortcuts."""
    entry = entries[0]
    n, seeds = entry["n"], ", ".join(str(row["seed"]) for row in entries)
    pooled = [float(row["auroc"]["value"]) for row in entries]
    alike = [float(row["like_pairs"]["sharpness"]["value"]) for row in entries]
    return (
        f"Recipe `{_PREFIX}{ENTRY}`, trained on normal films only (`python -m studies.zhanglab {ENTRY}`). Folds by "
        f"patient of the training split; tested on folds {entry['folds'][0]} to {entry['folds'][-1]}, each by a model "
        f"of the normal films of all other folds: {n['normal']:,} normal and {n['abnormal']:,} abnormal films "
        f"({n['dropped']} exact duplicates dropped from the split), {entry['px']} px, {entry['draws']} bootstrap "
        f"draws, {entry['date']}. {too_narrow('zhanglab', *entries)} "
        f"{'Seeds' if len(entries) > 1 else 'Seed'} {seeds}: AUROC {_three(pooled)}, on pairs "
        f"alike in sharpness {_three(alike)}. The aim of {AIM:.2f} is {_reached(pooled, AIM)}, that of "
        f"{AIM_OF_PAIRS:.2f} on these pairs is {_reached(alike, AIM_OF_PAIRS)}. Shortcuts alone: "
        + ", ".join(f"{_words(name)} {figure(one)}" for name, one in entry["shortcuts"].items())
        + "."
        + ("" if len(entries) > 1 else " The variation between seeds is not known: no other seed is trained.")
        + _overlap(entry)
    )


def _choice(candidates: Sequence[Entry], entries: Sequence[Entry]) -> str:
    """Return the sentences on the choice of the entry among the candidates."""
    best = max(candidates, key=_mean_over_lesions)
    name, lesions = best["recipe"].removeprefix(_PREFIX), list(best["synthetic"])
    return (
        f"The candidates are the {len(candidates)} recipes of the table with figures on synthetic lesions. They are "
        f"compared by lesions painted into fold 0's normal films ({' / '.join(lesions)}; AUROC against the same "
        f"films without). `{name}` has the highest mean over them, {_mean_over_lesions(best):.2f}. Two members of "
        f"`{ENTRY}` learn from synthetic lesions, so this comparison favours it; their lesions are drawn by other "
        "functions from the same basic shapes (`lesion_shapes`). "
        f"`{ENTRY}` has the members of `{FIVE}` at {entries[0]['px']} px, and the two that learn by epochs "
        f"take as many steps as on Montgomery and Shenzhen; it was put together after the figures of `{FIVE}` on real "
        "films were known, so the list of candidates, though not the choice among them, depends on real films. "
        "*Looks* is the number of times that a recipe's figures on real films were computed with this seed, including "
        "a trial before the first row. No setting of a listed recipe was changed by these figures."
    )


def _other_in_words(row: Entry) -> str:
    """Return the sentences on a trained recipe that is no candidate."""
    value, ceiling = row["auroc"], max(row["shortcuts"].values(), key=lambda one: float(one["high"]))
    above = float(value["low"]) > float(ceiling["high"])
    return (
        f" `{row['recipe'].removeprefix(_PREFIX)}` is no candidate: it has one training of each fold "
        f"(seed {row['seed']}); its lung finder is that of `{row['finder']}`. It "
        f"{'reaches' if float(value['value']) >= AIM else 'misses'} the aim, and its interval "
        f"{'lies above' if above else 'does not lie above'} those of all shortcuts."
    )


def _line(row: Entry) -> list[str]:
    drawn = " / ".join(f"{value:.2f}" for value in row.get("synthetic", {}).values()) or "–"
    return [
        f"`{row['recipe'].removeprefix(_PREFIX)}`, {row['px']} px",
        str(row["seed"]),
        drawn,
        figure(row["auroc"]),
        *(figure(row["like_pairs"][one]) for one in ALIKE),
        str(row["looks"]),
    ]


def _of(rows: Mapping[str, Entry], names: Mapping[str, object]) -> list[Entry]:
    return [rows[key] for name in names if (key := f"{_PREFIX}{name}-0") in rows]


def _mean_over_lesions(row: Entry) -> float:
    return float(np.mean(list(row["synthetic"].values())))


def _three(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def _reached(values: Sequence[float], aim: float) -> str:
    if all(value >= aim for value in values):
        return "reached" if len(values) == 1 else "reached by each seed"
    missed = sum(value < aim for value in values)
    return "missed" if missed == len(values) else f"missed by {missed} of {len(values)} seeds"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _overlap(entry: Entry) -> str:
    """Return the sentence on shortcuts whose interval overlaps with the entry's; "" where none does."""
    strong = [name for name, one in entry["shortcuts"].items() if one["high"] >= entry["auroc"]["low"]]
    if not strong:
        return ""
    names = " and ".join(_words(name) for name in strong)
    return (
        f" The entry's interval overlaps with that of {names}, so its AUROC on all films is no evidence of detecting "
        "disease."
    )
