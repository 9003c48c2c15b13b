"""References on the pages of detectors: supervised methods, image statistics, and names of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.detectors.labelled_network import STEPS
from studies.evidence.charts import BLUE, GREEN, ORANGE, VIOLET, Mark, ReferenceLine
from studies.pages.cells import Entry, dagger, pooled_auroc, shortcut
from unseen.detectors.lesion_classifier import LesionSettings
from unseen.evaluation.intervals import interval_text as figure

LABELLED, BASELINE = "detectors/labelled/", "pca"
SHARPNESS = "mean |Laplacian|"
"""The statistic sharpness, in the words of rows."""
CHOSEN = "ensemble-five"
"""Pretrained model that fold 0 chose, by a commit before folds 1 to 4 were opened for it (decision 26)."""
_TAUGHT = "detectors/few-labels/ensemble-features-0"
AXIS = "AUROC, pooled, folds 1 to 4 [95 % interval]"


def flagged(name: str, row: Entry) -> str:
    """Return a recipe's name as code, with a dagger where its training had not converged."""
    return f"`{name}`{dagger(row)}"


def supervised(rows: Mapping[str, Entry]) -> Entry | None:
    """Return the best classifier that is given labels, of the lung crops at 64 px."""
    found = [row for name, row in rows.items() if name.startswith(LABELLED)]
    return max(found, key=pooled_auroc, default=None)


def trained_supervised(row: Entry | None) -> str:
    """Return the training of a supervised network in brackets; "" for a linear classifier, and without a row."""
    network = row is not None and row.get("kind") == "network"
    return f" ({STEPS:,} steps, {LesionSettings().features} features)" if network else ""


def taught(rows: Mapping[str, Entry]) -> Entry | None:
    """Return the metrics of the head on frozen features that all labels of the other folds taught."""
    row = rows.get(_TAUGHT)
    return None if row is None else row["all"]


def given_labels(rows: Mapping[str, Entry]) -> list[str]:
    """Return one sentence with the AUROCs of methods that use labels, on the same films; nothing without rows."""
    several = sum(name.startswith(LABELLED) for name in rows)
    trained = trained_supervised(supervised(rows))
    better = f" (the best of {several} on these films{trained.replace(' (', '; ') or ')'}" if several > 1 else trained
    named = (
        (
            f"a supervised classifier of the lung crops at 64 px{better}",
            (supervised(rows) or {}).get("metrics"),
        ),
        ("a linear head on frozen features", taught(rows)),
    )
    said = [f"{words} reaches {figure(metrics['auroc']['pooled'])}" for words, metrics in named if metrics is not None]
    return [f"Given the labels of the other folds, {'; '.join(said)}."] if said else []


def lines_of_labels(rows: Mapping[str, Entry], last: Sequence[str]) -> list[list[str]]:
    """Return the last lines of a table: `last` is the last cell of each."""
    named = (
        (f"*supervised reference*{trained_supervised(supervised(rows))}", (supervised(rows) or {}).get("metrics")),
        ("*supervised: head on frozen features*", taught(rows)),
    )
    return [
        [words, figure(metrics["auroc"]["pooled"]), cell]
        for (words, metrics), cell in zip(named, last, strict=True)
        if metrics is not None
    ]


def mix_note(row: Entry) -> str:
    """Return what image statistics reach with labels on the films of `row`."""
    return (
        "A mix of simple image statistics, fitted with labels, reaches "
        f"{shortcut(row, 'pooled', 'mix')['value']:.2f} on the same films."
    )


def mark_of(entry: Entry, colour: str = BLUE) -> Mark:
    return Mark(float(entry["value"]), entry.get("low"), entry.get("high"), colour)


def reference_lines(statistic: Entry, rows: Mapping[str, Entry], *, name: str = "sharpness") -> list[ReferenceLine]:
    rules = [ReferenceLine(float(statistic["value"]), f"{name} alone, {statistic['value']:.2f}", ORANGE)]
    if (reference := supervised(rows)) is not None:
        rules.append(
            ReferenceLine(pooled_auroc(reference), f"supervised reference, {pooled_auroc(reference):.2f}", GREEN)
        )
    if (head := taught(rows)) is not None:
        value = float(head["auroc"]["pooled"]["value"])
        rules.append(ReferenceLine(value, f"frozen features with all labels, {value:.2f}", VIOLET))
    return rules


def called(row: Entry) -> str:
    """Return the name of a row on these pages: a pretrained model's folder, or the method and size."""
    name = str(row["recipe"])
    return (
        f"models/{name.removeprefix('shipped/')}" if name.startswith("shipped/") else f"{row['method']}, {row['px']} px"
    )
