"""A ROC curve with its pointwise 95 % band, from a table of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from unseen.evaluation.bootstrap import cohort_of, draw_all
from unseen.evaluation.metrics import judged_rows
from unseen.evaluation.roc import Floats, RocAt, folds_of

if TYPE_CHECKING:
    import polars as pl

GRID: Final = np.linspace(0, 1, 201)
DRAWS: Final = 1000


@dataclass(frozen=True, eq=False)
class Curve:
    """A ROC curve on a grid of false positive rates, with its band: each (points,), in [0, 1]."""

    grid: Floats
    sensitivity: Floats
    low: Floats
    high: Floats


def roc_curve(table: pl.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> Curve:
    """The curve of a table of scores, as `score_table` and `read_scores` give it; where the table has a column `fold`,
    the mean of the folds' curves.

    The same table, seed and draws give the same values. Raises ValueError where a class has no film.
    """
    rows, _ = judged_rows(table)
    cohort = cohort_of(rows)
    if shortfall := cohort.shortfall(np.ones(len(cohort), dtype=bool)):
        raise ValueError(f"No ROC curve: {shortfall}.")
    statistic = RocAt(folds_of(cohort.score, cohort.abnormal, cohort.fold), GRID)
    drawn = draw_all({"roc": statistic}, cohort, draws=draws, rng=np.random.default_rng(seed))["roc"]
    low, high = drawn.band()
    return Curve(GRID, drawn.value, low, high)
