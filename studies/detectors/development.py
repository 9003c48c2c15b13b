"""Fold 0 and paired phantoms, on which methods are compared and chosen before a test fold is opened for them.

Each recipe learns from the normals of folds 1 to 4 and scores fold 0's films. With so few films the intervals are wide:
what they tell is which methods are worth the test folds, not how good one is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from studies.detectors.claim import above_shortcut
from studies.rows import Row, described
from studies.twins import PAIRS, twin_row
from unseen.artifacts.bundle import load
from unseen.artifacts.recipe import Recipe, RecipeData
from unseen.data.film import Film, NotRead
from unseen.data.phantoms.writing import write
from unseen.detectors.detector import Detector
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of, phantom_unlabelled
from unseen.runs.training import resolve, takes_unlabelled, train_recipe

FOLD = 0
RECIPES = "detectors/"
ROWS = "detectors/fold-0/"
TWINS = "detectors/twins/"
"""Prefixes of the names of recipes, of their rows, and of their rows of phantom twins."""
GIVEN = "detectors/fold-0-given-finder/"
"""Prefix of the names of rows with the lung finder of a model."""
_TIMED = 20


def development_row(recipe: Recipe, *, finder: str = "", root: Path | None = None) -> Row:
    """Return the row of a recipe that is trained without fold 0, or found trained, and scored on it.

    A method that learns from unlabelled films is given all those of folds 1 to 4, without what is known of them.

    Args:
        recipe: the recipe.
        finder: model whose lung finder is used; "": one is trained. Such a row has another name, by which no recipe is
            nominated: a model's finder may have learnt from films of fold 0.
        root: folder of the runs.

    Returns:
        The row.
    """
    recipe = resolve(recipe)
    cohort = cohort_of(recipe)
    unlabelled = cohort.unlabelled(FOLD) if takes_unlabelled(recipe) else None
    given = Path(finder) if finder else None
    trained = train_recipe(recipe, fold=FOLD, finder=given, unlabelled=unlabelled, root=root)
    tested = cohort.testing(FOLD)
    table = score_table(trained.detector, tested, keep=0).table
    metrics: Row = metrics_from_table(table, recipe=trained.digest)
    date = load(trained.run.bundle).card.created[:10]
    kept = [tensor for module in trained.detector.modules().values() for tensor in module.state_dict().values()]
    return {
        **described(trained.recipe, digest=trained.digest, device=trained.detector.trained_on, date=date),
        "recipe": (GIVEN if finder else ROWS) + recipe.name.removeprefix(RECIPES),
        **({"finder": finder} if finder else {}),
        "fold": FOLD,
        "unlabelled": 0 if unlabelled is None else len(unlabelled),
        "steps": 0 if trained.history is None else trained.history.steps,
        "seconds": trained.detector.facts["training_seconds"],
        "milliseconds": milliseconds(trained.detector, tested),
        "kept": sum(tensor.numel() for tensor in kept if tensor.is_floating_point()),
        "above_shortcut": above_shortcut(table, metrics),
        "metrics": {name: metrics[name] for name in ("auroc", "like_pairs", "site", "n")},
    }


def milliseconds(detector: Detector, films: Iterable[Film | NotRead]) -> float:
    """Wall time of a decoded film's score, lungs and map with it, by one thread: the median of twenty films."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = []
        for film in islice((film for film in films if isinstance(film, Film)), _TIMED):
            began = time.perf_counter()
            next(detector.score([film]))
            spent.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return round(1000 * statistics.median(spent), 2)


def phantom_row(recipe: Recipe, *, pairs: int = PAIRS, root: Path | None = None) -> Row:
    """Return the row of the same recipe, trained on phantom normals, of phantom twins: images that differ in a lesion
    and in nothing else. A method that learns from unlabelled films is given unlabelled phantoms."""
    recipe = resolve(recipe.model_copy(update={"data": RecipeData()}))
    with TemporaryDirectory() as folder:
        unlabelled = write(phantom_unlabelled(recipe), folder) if takes_unlabelled(recipe) else None
        row = twin_row(recipe, pairs=pairs, unlabelled=unlabelled, root=root)
    return {**row, "recipe": TWINS + recipe.name.removeprefix(RECIPES)}
