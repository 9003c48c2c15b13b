"""Bundles of the shipped models, from the recipes under `shipped/`: trained on the normal films of folds 0 to 3.

A card has two sets of figures: those of the same recipe cross-fitted on folds 1 to 4, and those of the shipped weights
on fold 4. Weights are float16. The lung finder is trained only on the Montgomery masks and on phantoms, so that no
model contains anything of the Shenzhen masks; `open_masks` measures the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studies.crossfit import FoldResult
from studies.rows import Row
from unseen.artifacts.bundle import annotate
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run_folder import runs_root
from unseen.detectors.lung_finder_bundles import save_finder
from unseen.detectors.saved import load, save
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.table import score_table
from unseen.runs.cohort import PHANTOM_LUNGS, cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.screening.gate.gate import Gate

FOLD = 4  # left out of the shipped models' training, for calibration and evaluation

_FILMS = (
    "Normal films of folds 0 to 3 of 682 films of the Montgomery County and Shenzhen Hospital chest X-ray sets (U.S. "
    "National Library of Medicine; Jaeger et al., Quant. Imaging Med. Surg. 4(6), 2014), at 256 px. Fold 4 was not "
    "trained on."
)
_MASKS = (
    "Lung finder: the Montgomery films' masks (Candemir et al., IEEE TMI 33(2), 2014) and {simulated} simulated "
    "films; no Shenzhen mask."
)
_HIDDEN = " Half of the simulated films hide a part of their lungs behind a lesion, and keep their whole mask."
_LICENCE = (
    "Research, non-commercial. The National Library of Medicine publishes the films for research and asks for the "
    "citations named under data."
)


def ship(recipe: Recipe, row: Row, results: Sequence[FoldResult], folder: Path) -> Row:
    """Write the bundle of a cross-fitted recipe, from its run without fold 4.

    Args:
        recipe: the recipe.
        row: its row.
        results: its runs, one for each fold.
        folder: where the bundle is written, below the recipe's short name, with an input gate fitted to the same films.

    Returns:
        The row with `fold_4`, the figures of the shipped weights.
    """
    result = next(result for result in results if result.fold == FOLD)
    target = folder / recipe.short
    trained = load(result.bundle)
    gate = shipped_gate(recipe)
    save(
        trained,
        target,
        recipe_digest=result.digest,
        data=f"{_FILMS} {_masks(recipe)}",
        licence=_LICENCE,
        half=True,
        gate=gate,
    )
    shipped = load(target)
    left_out = metrics_from_table(score_table(shipped, cohort_of(recipe).testing(FOLD), keep=0).table)
    fold_4 = {name: left_out[name] for name in ("auroc", "n")}
    metrics = {
        "cross_fitted_twin": {name: row["metrics"][name] for name in ("auroc", "like_pairs", "site", "n")},
        "fold_4": fold_4,
    }
    annotate(target, metrics=metrics)
    return {**row, "fold_4": fold_4}


def _masks(recipe: Recipe) -> str:
    """Return a sentence on the training masks of the recipe's lung finder."""
    hidden = "phantom-lesions" in (recipe.data.lungs_from or ())
    return _MASKS.format(simulated=PHANTOM_LUNGS * (1 + hidden)) + hidden * _HIDDEN


def shipped_gate(recipe: Recipe, *, root: Path | None = None) -> Gate:
    """Return the gate of a shipped model's training films, with masks of finders that were not trained on them."""
    cohort, root = cohort_of(recipe), runs_root() if root is None else root
    normals = cohort.training(FOLD)
    lungs = shared_lungs(normals, recipe, fold=FOLD, data_digest=cohort.digest, root=root)
    return Gate.fit(normals, finder=lungs, seed=recipe.seed)


def ship_finder(recipe: Recipe, row: Row, folder: Path, *, root: Path | None = None) -> Path:
    """Write the lung finder of the same run as a bundle of its own; `row` is that of `open_masks`."""
    cohort, root = cohort_of(recipe), runs_root() if root is None else root
    lungs = shared_lungs(cohort.training(FOLD), recipe, fold=FOLD, data_digest=cohort.digest, root=root)
    target = folder / "lungs"
    save_finder(lungs.full, target, data=_masks(recipe), licence=_LICENCE, half=True)
    annotate(target, metrics={"shenzhen_folds_1_to_4": {name: row[name] for name in ("films", "dice", "lost")}})
    return target
