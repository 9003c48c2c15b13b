"""Higher resolution: recipes at twice their size on folds 1 to 4, compared with the same recipes at their own size.

Nothing else of a recipe is changed, nor how many steps it is trained, and nothing is chosen by the rows. The last is
the network that is given labels, at both sizes: what the finer pixels hold for whoever is told what to look for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studies.crossfit import TEST_FOLDS, cross_fit, tables_of
from studies.detectors.claim import above_floor, above_shortcut
from studies.detectors.labelled import labelled_tables
from studies.rows import Row, study_of_folds
from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import Recipe, validated
from unseen.evaluation.metrics import metrics_from_table
from unseen.runs.training import check_normals_alone, resolve

if TYPE_CHECKING:
    import polars as pl

ROWS = "detectors/finer/"
"""Prefix of the rows' names."""
RECIPES = ("pca-aligned", "dct-aligned", "dae-aligned", "anatpaste-all-aligned")


def finer_row(
    recipe: Recipe,
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
    workers: int = 2,
) -> Row:
    """Return the row of a recipe trained and tested at both sizes, `workers` folds at a time, one thread each.

    above    the AUROC at the finer size less that at its own, paired (`itself`), and less the best shortcut's
    before   figures at its own size; metrics: at the finer one
    """
    recipe = resolve(recipe)
    check_normals_alone(recipe, "finer")

    def scores(sized: Recipe) -> tuple[pl.DataFrame, float]:
        results = cross_fit([sized], folds=folds, root=root, workers=workers)[sized.name]
        return tables_of(results), sum(result.seconds for result in results) / len(results)

    finer = _finer(recipe)
    (as_it_is, seconds), (table, longer) = scores(recipe), scores(finer)
    return {
        **_told(recipe.short, recipe, folds, table, as_it_is),
        "seconds": [round(seconds, 1), round(longer, 1)],
    }


def labelled_finer_row(
    kind: str,
    recipe: Recipe,
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> Row:
    """Return the same of the classifier `kind` that is given labels, in the view of a recipe of `pca`."""
    recipe = resolve(recipe)
    as_it_is, table = (labelled_tables(kind, sized, folds=folds, root=root)[0] for sized in (recipe, _finer(recipe)))
    return {**_told(f"{kind}-{recipe.short}", recipe, folds, table, as_it_is), "kind": kind}


def _finer(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"view": {**recipe.view, "size": 2 * _size(recipe)}})


def _size(recipe: Recipe) -> int:
    return validated(recipe.view, View, where="view").size


def _told(name: str, recipe: Recipe, folds: Sequence[int], table: pl.DataFrame, as_it_is: pl.DataFrame) -> Row:
    before, after = (metrics_from_table(scored) for scored in (as_it_is, table))
    return {
        **study_of_folds(f"{ROWS}{name}", recipe, folds),
        "sees": recipe.short,
        "px": [_size(recipe), 2 * _size(recipe)],
        "before": {part: before[part] for part in ("auroc", "like_pairs")},
        "above": {"itself": above_floor(table, as_it_is), "shortcut": above_shortcut(table, after)},
        "metrics": {part: after[part] for part in ("auroc", "like_pairs", "site", "n")},
    }
