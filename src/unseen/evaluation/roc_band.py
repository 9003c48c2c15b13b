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
    """A ROC curve on a grid of false positive rates, with its band: each (points,), in [0, 1].

    Args:
        grid: false positive rates.
        sensitivity: true positive rates there.
        low: lower edge of the 95 % band.
        high: upper edge of the 95 % band.

    >>> Curve(grid=GRID, sensitivity=GRID, low=GRID, high=GRID).grid.shape
    (201,)
    """

    grid: Floats
    sensitivity: Floats
    low: Floats
    high: Floats


def roc_curve(table: pl.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> Curve:
    """The curve of a table of scores, as `score_table` and `read_scores` give it; where the table has a column `fold`,
    the mean of the folds' curves.

    The same table, seed and draws give the same values.

    Args:
        table: rows from `score_table` or `read_scores`.
        draws: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: a class has no film.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import score_table
    >>> films = [*phantoms.normals(2, seed=1, size=64), *phantoms.abnormals(2, seed=2, size=64)]
    >>> curve = roc_curve(score_table(load("models/pca"), films).table, draws=20)
    >>> curve.sensitivity.shape == curve.grid.shape
    True
    """
    rows, _ = judged_rows(table)
    cohort = cohort_of(rows)
    if shortfall := cohort.shortfall(np.ones(len(cohort), dtype=bool)):
        raise ValueError(f"No ROC curve: {shortfall}.")
    statistic = RocAt(folds_of(cohort.score, cohort.abnormal, cohort.fold), GRID)
    drawn = draw_all({"roc": statistic}, cohort, draws=draws, rng=np.random.default_rng(seed))["roc"]
    low, high = drawn.band()
    return Curve(GRID, drawn.value, low, high)
