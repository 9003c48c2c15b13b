"""Rows: the result of a cross-fitted recipe, as one line of `studies/results/<study>.jsonl` (`studies.row_files`).

No number stands in the docs without its row. A row holds figures alone: no film's name and no film's score.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from studies.crossfit import FoldResult, tables_of
from unseen import __version__
from unseen.artifacts.bundle import annotate
from unseen.artifacts.recipe import Recipe
from unseen.detectors import METHODS
from unseen.evaluation.metrics import metrics_from_table

if TYPE_CHECKING:
    from unseen.detectors.detector import Detector

Row = dict[str, Any]  # Any: JSON


def convergence_of(recipe: Recipe, trained: bool, verdicts: Sequence[bool | None]) -> str:
    """Return whether the losses of all trainings converged, in words.

    Trainings of fewer than 20 steps have no verdict and count as not converged. Some GANs have no loss that shows
    convergence.
    """
    method: type[Detector] = METHODS.load(recipe.method.key)
    if not trained:
        return "no training loop"
    if not method.converges_by:
        return "no loss that tells"
    return "converged" if all(verdicts) else "not converged"


def row_of(recipe: Recipe, results: Sequence[FoldResult], *, seed: int = 0) -> Row:
    """Return the row of a resolved recipe from its folds."""
    table = tables_of(results)
    folds = {
        str(r.fold): {
            "auroc": r.metrics["auroc"],
            "steps": r.steps,
            "seconds": r.seconds,
            "converged": r.converged,
            "curve": list(r.curve),
            "facts": dict(r.facts),
        }
        for r in results
    }
    return {
        **described(recipe, digest=results[0].digest, device=results[0].device, date=max(r.trained for r in results)),
        "steps": results[0].steps,
        "seconds": round(sum(r.seconds for r in results), 1),
        "convergence": convergence_of(recipe, any(r.steps for r in results), [r.converged for r in results]),
        "folds": folds,
        "parts": {
            column.removeprefix("part_"): metrics_from_table(table.with_columns(score=table[column]), seed=seed)[
                "auroc"
            ]
            for column in table.columns
            if column.startswith("part_")
        },
        "metrics": metrics_from_table(
            table,
            seed=seed,
            recipe=results[0].digest,
            protocol=f"cross-fitted: trained on the other folds' normals, tested on folds {[r.fold for r in results]}",
        )
        | {"excluded_training_films": sum(r.leaked for r in results)},
    }


def annotate_bundles(results: Sequence[FoldResult]) -> None:
    """Write its AUROC into the card of each fold."""
    for r in results:
        annotate(r.bundle, metrics={"auroc": r.metrics["auroc"], "fold": r.fold})


def described(recipe: Recipe, *, digest: str, device: str, date: str) -> Row:
    """Return the entries that every row begins with."""
    return {
        "recipe": recipe.name,
        "recipe_digest": digest,
        "method": recipe.method.key,
        "settings": recipe.method.settings,
        "view": recipe.view,
        "training": recipe.training,
        "seed": recipe.seed,
        "px": recipe.view["size"],
        "features": recipe.method.settings.get("features"),
        "device": device,
        "flags": {"precision": recipe.training["precision"]},
        "version": __version__,
        "date": date,
    }


def study_of_folds(name: str, recipe: Recipe, folds: Sequence[int]) -> Row:
    """Return the first entries of a row that is made today: a study of a recipe over some folds."""
    return {
        "recipe": name,
        "seed": recipe.seed,
        "folds": list(folds),
        "px": recipe.view["size"],
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
    }
