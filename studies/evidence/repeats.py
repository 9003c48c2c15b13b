"""One recipe trained more than once: its AUROC in each row, and its mean with an interval over films and trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studies.detectors.adjusted_by_finder import OPEN, over_trainings
from studies.detectors.adjusted_by_finder import ROWS as BY_FINDER
from studies.pages.cells import Entry, table
from unseen.evaluation.intervals import interval_text as figure

TESTED, FINER, FOLD_0 = "detectors/folds-1-4/", "detectors/finer/", "detectors/fold-0/"
_CONTAMINATED, _CHOICE, _SHIPPED = "detectors/contamination/", "shipped/pca-choice-0", "shipped/pca-0"
TITLE = "## One recipe trained repeatedly"


@dataclass(frozen=True)
class RepeatedTraining:
    """One training's AUROC, and the study that it was made for."""

    study: str
    date: str
    auroc: Entry


def on_test_folds(rows: Mapping[str, Entry]) -> dict[str, list[RepeatedTraining]]:
    """Recipe → its trainings on folds 1 to 4: the test folds' row, the study of resolution, which trains again, and
    that of lung finders, which trains the recipe's own finder again and with other seeds."""
    found = {
        name.removeprefix(TESTED).rpartition("-")[0]: [
            RepeatedTraining("test folds", str(row["date"]), row["metrics"]["auroc"]["pooled"])
        ]
        for name, row in rows.items()
        if name.startswith(TESTED)
    }
    for name, row in rows.items():
        if name.startswith(FINER) and "kind" not in row and row["sees"] in found:
            found[row["sees"]].append(
                RepeatedTraining("higher resolution", str(row["date"]), row["before"]["auroc"]["pooled"])
            )
        if name.startswith(BY_FINDER) and (recipe := name.removeprefix(BY_FINDER).rpartition("-")[0]) in found:
            found[recipe] += [
                RepeatedTraining(f"lung segmentation model, seed {one['seed']}", str(row["date"]), one["auroc"])
                for one in row["finders"].get(OPEN, ())
                if one["auroc"]["value"] not in {training.auroc["value"] for training in found[recipe]}
            ]
    return found


def combined(trainings: Sequence[RepeatedTraining]) -> Entry:
    """The AUROC of one training as it stands in its row; of several, the mean over films and trainings."""
    return trainings[0].auroc if len(trainings) == 1 else over_trainings([one.auroc for one in trainings])


def of_pca_on_fold_0(rows: Mapping[str, Entry]) -> list[RepeatedTraining]:
    """Return the trainings of the recipe of `models/pca` (20 components, blur 1.5 px) that are tested on fold 0."""
    found = []
    choice, own = rows.get(_CHOICE), rows.get(f"{FOLD_0}pca-0")
    if own is None:
        return []
    if choice is not None:
        settings = own["settings"]
        (value,) = (
            entry["auroc"] for entry in choice["auroc"] if all(entry[name] == settings[name] for name in settings)
        )
        # the row has neither an interval nor a date: its recipe's cross-validated row is of the same run
        found.append(RepeatedTraining("choice of the settings", str(rows[_SHIPPED]["date"]), {"value": value}))
    found.append(RepeatedTraining("selection on fold 0", str(own["date"]), own["metrics"]["auroc"]["pooled"]))
    contaminated = rows.get(f"{_CONTAMINATED}pca-0")
    if contaminated is not None:
        clean = next(entry for entry in contaminated["shares"] if entry["share"] == 0)
        found.append(RepeatedTraining("contaminated training set, share 0", str(contaminated["date"]), clean["auroc"]))
    return found


def over_films_and_trainings(trainings: Sequence[RepeatedTraining]) -> Entry:
    """Return the mean, with the films' error of the trainings that have an interval and the deviation of them all."""
    known = [one.auroc for one in trainings if "low" in one.auroc]
    half = sum(entry["high"] - entry["low"] for entry in known) / len(known) / 2
    wide = [
        {"value": one.auroc["value"], "low": one.auroc["value"] - half, "high": one.auroc["value"] + half}
        for one in trainings
    ]
    return over_trainings(wide)


def repeats(rows: Mapping[str, Entry]) -> list[str]:
    """Return the section: why one recipe has several figures, and how far they lie apart."""
    on_fold_0 = of_pca_on_fold_0(rows)
    often = {name: some for name, some in on_test_folds(rows).items() if len(some) > 1}
    if len(on_fold_0) < 2 and not often:
        return []
    blocks = [TITLE]
    lines = []
    if len(on_fold_0) > 1:
        values = [float(one.auroc["value"]) for one in on_fold_0]
        blocks.append(
            f"The recipe of `models/pca` has {len(values)} different AUROCs on the same films of fold 0, "
            f"{min(values):.3f} to {max(values):.3f}, because its lung finder was trained again for each of these "
            "rows. The detector itself draws no random number and the finder's seed was 0 each time, but the finder's "
            "training depends on the processor's number format and rounding, so its outlines and then the scores "
            "differ."
        )
        lines.append(_line("pca", "0", on_fold_0, over_films_and_trainings(on_fold_0)))
    lines += [_line(name, "1 to 4", some, combined(some)) for name, some in often.items()]
    return [
        *blocks,
        table(["Recipe", "folds", "trainings", "each AUROC (study, date)", "mean [95 %]"], lines),
        "The interval of the mean covers the films and the trainings: ± 1.96 √(s² + t²), where s is the standard error "
        "over films and t the standard deviation between trainings. Recipes that are not in this table have one "
        "training; their intervals cover the films only, so add a spread of this size when you compare two of them.",
    ]


def _line(name: str, folds: str, trainings: Sequence[RepeatedTraining], mean: Entry) -> list[str]:
    each = "; ".join(f"{one.auroc['value']:.3f} ({one.study}, {one.date})" for one in trainings)
    return [f"`{name}`", folds, str(len(trainings)), each, figure(mean)]
