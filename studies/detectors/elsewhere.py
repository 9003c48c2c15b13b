"""A detector that learns from another set's own normals and is tested there, as the films came and matched for
resolution, beside the best shortcut of the same films.

Cross-fitted over folds 1 to 4. Lungs are found by the finder of the recipe's own normals without that fold, for the
other sets have no masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studies.crossfit import TEST_FOLDS
from studies.detectors.generalisation import learnt_from, row_of_cells
from studies.detectors.preparations.comparing import carrying, moved
from studies.detectors.preparations.resolution import MatchedResolution
from studies.rows import Row
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run_folder import runs_root
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.process_pool import worker_processes
from unseen.runs.training import check_normals_alone, resolve, shared_lungs

if TYPE_CHECKING:
    import polars as pl

ROWS = "detectors/elsewhere/"
"""What the names of the rows begin with."""


def elsewhere_row(
    recipe: Recipe,
    place: str,
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> Row:
    """Train and score the recipe on the set `place`, `workers` folds at a time, one thread each."""
    import polars as pl

    recipe = resolve(recipe)
    check_normals_alone(recipe, "elsewhere")
    root = runs_root() if root is None else root
    tables: dict[tuple[str, str, bool], list[pl.DataFrame]] = {}
    trained_on = ""
    with worker_processes(workers) as pool:
        futures = [pool.submit(_fold, recipe.to_toml(), place, fold, str(root)) for fold in folds]
        for fold, future in zip(folds, futures, strict=True):
            found, trained_on = future.result()
            for matched, table in found.items():
                tables.setdefault((place, place, matched), []).append(table.with_columns(fold=pl.lit(fold, pl.Int64)))
            say(f"{recipe.name} on {place}: fold {fold}")
    return row_of_cells(f"{ROWS}{place}/{recipe.short}", recipe, folds, trained_on, tables)


def _fold(told: str, place: str, fold: int, root: str) -> tuple[dict[bool, pl.DataFrame], str]:
    """A worker's share: the scores of a fold by whether its films were matched, and what the detector was trained
    on."""
    import torch

    torch.set_num_threads(1)
    recipe = Recipe.from_toml(told)
    home, there = cohort_of(recipe), cohort_of(moved(recipe, place))
    finder = shared_lungs(home.training(fold), recipe, fold=fold, data_digest=home.digest, root=Path(root))
    normals, tested = carrying(there.training(fold), finder), carrying(there.testing(fold), finder)
    detector = learnt_from(normals, recipe, source=place, fold=fold, root=Path(root))
    matched = MatchedResolution.of(normals)
    found = {False: score_table(detector, tested, keep=0).table}
    found[True] = score_table(detector, map(matched, tested), keep=0).table
    return found, detector.trained_on
