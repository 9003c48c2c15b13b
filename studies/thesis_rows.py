"""Rows of the thesis's protocol: figures on its 35 + 35 test films, at their best epoch and at the last one.

A row may be of an unfinished training; it states how many epochs are done.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from studies.rows import Row, described
from unseen.artifacts import bundle
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run_folder import Run
from unseen.detectors.saved import load
from unseen.evaluation.bootstrap import BootstrapCohort, Statistic, draw_all
from unseen.evaluation.epoch_peak import best_epoch
from unseen.evaluation.intervals import Json
from unseen.evaluation.roc import Auroc, Bools, Floats, folds_of
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve, run_of
from unseen.training.history import History

_NOT_YET = "its run has not finished an epoch; train it first (make results-thesis)"


def thesis_row(recipe: Recipe, *, root: Path | None = None) -> Row:
    """Return the row of a recipe of the thesis from its run, finished or not.

    Raises:
        RecipeError: the run has not finished an epoch.
    """
    recipe = resolve(recipe)
    run, name = run_of(recipe, root=root)
    if not run.log.is_file() and not run.bundle.is_dir():
        raise RecipeError(f"{recipe.name}: {_NOT_YET}")
    row: Row = {
        **described(recipe, digest=name, device=_device_of(run), date=_date_of(run)),
        "protocol": "the thesis's split (column thesis): trained on its 311 normals, tested on its 35 + 35 films",
    }
    if run.log.is_file():
        row |= _by_epoch(recipe, run)
    if run.bundle.is_dir():
        from unseen.evaluation.metrics import metrics_from_table
        from unseen.evaluation.table import score_table

        detector = load(run.bundle)
        table = score_table(detector, cohort_of(recipe).testing(), keep=0).table
        row |= {
            "facts": detector.facts,
            "metrics": metrics_from_table(table, recipe=row["recipe_digest"], protocol=row["protocol"]),
        }
    return row


def beside_earlier(row: Row, earlier: Row | None) -> Row:
    """Add the figures of earlier finished trainings of the same recipe and seed to a row.

    Processors round differently, so that two adversarial trainings diverge.
    """
    if earlier is None or "by_epoch" not in earlier or earlier["epochs_done"] < earlier["epochs"]:
        return row
    kept = list(earlier.get("earlier", []))
    if earlier["by_epoch"]["auroc"] != row["by_epoch"]["auroc"]:
        figures = {name: earlier["auroc"][name] for name in ("best_epoch", "last_epoch")}
        kept.append({"date": earlier["date"], "device": earlier["device"], **figures})
    return {**row, "earlier": kept} if kept else row


def _by_epoch(recipe: Recipe, run: Run) -> Row:
    """Return the curves, and the figures of the epoch that they would choose."""
    history = History.from_log(run.log)
    curves = history.validation
    done = len(curves.get("auroc", []))
    if not done:
        raise RecipeError(f"{recipe.name}: {_NOT_YET}")
    tested = [entry for entry in cohort_of(recipe).testing().entries]
    abnormal = np.array([entry.label == "abnormal" for entry in tested])
    source = np.array([entry.source for entry in tested])
    scores = np.stack([np.load(run.folder / "epochs" / f"{epoch:03d}.npy")[0] for epoch in range(1, done + 1)])
    if scores.shape[1] != len(tested):
        raise RecipeError(f"{recipe.name}: {len(tested) - scores.shape[1]} test films could not be read")
    chosen = best_epoch(curves["auroc"])
    cohort = BootstrapCohort.of_one_fold(abnormal, source, scores[-1])
    statistics: dict[str, Statistic] = {
        name: Auroc(folds_of(scores[epoch - 1], abnormal, cohort.fold))
        for name, epoch in (("best_epoch", chosen.epoch), ("last_epoch", done))
    }
    drawn = draw_all(statistics, cohort, rng=np.random.default_rng(0))
    return {
        "epochs": recipe.training["epochs"],
        "epochs_done": done,
        "steps": done * history.steps_per_epoch,
        "seconds": round(history.seconds, 1),
        "convergence": "not converged" if history.converged("generator") is False else "converged",
        "curve": [round(value, 6) for value in history.by_epoch("generator")[:done]],
        "by_epoch": {name: [round(value, 6) for value in values] for name, values in curves.items()},
        "chosen": chosen.to_json(),
        "auroc": {
            **{name: figure.interval().to_json() for name, figure in drawn.items()},
            "chosen_on_one_half": _chosen_on_one_half(scores, abnormal),
        },
        "n": {"normal": int((~abnormal).sum()), "abnormal": int(abnormal.sum())},
    }


def _chosen_on_one_half(scores: Floats, abnormal: Bools, *, halvings: int = 500) -> Json:
    """Return the mean AUROC on one half of the test films of the epoch with the best AUROC on the other half.

    It is the figure of the best epoch without the bias of choosing it on the films that are evaluated.
    """
    rng = np.random.default_rng(0)
    half = np.zeros((halvings, len(abnormal)))  # weights: 1 for the films that choose
    for row in half:
        for members in (np.flatnonzero(abnormal), np.flatnonzero(~abnormal)):
            row[rng.permutation(members)[: len(members) // 2]] = 1
    fold = np.zeros(len(abnormal), np.int64)
    areas = [Auroc(folds_of(score, abnormal, fold)) for score in scores]
    chosen = np.argmax([area(half) for area in areas], axis=0)  # (halvings,)
    measured = np.array([area(1 - half) for area in areas])  # (epochs, halvings)
    return round(float(measured[chosen, np.arange(halvings)].mean()), 4)


def _device_of(run: Run) -> str:
    card = bundle.load(run.bundle).card if run.bundle.is_dir() else None
    return f"cpu ({platform.machine()})" if card is None else card.trained_on


def _date_of(run: Run) -> str:
    newest = max(path.stat().st_mtime for path in (run.log, run.bundle, run.recipe) if path.exists())
    return datetime.fromtimestamp(newest, UTC).date().isoformat()
