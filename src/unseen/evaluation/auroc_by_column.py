"""AUROC by a column of the table, such as a lesion's type or contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unseen.evaluation.bootstrap import BootstrapCohort, Statistic, draw_all, text
from unseen.evaluation.intervals import Json, Missing
from unseen.evaluation.roc import Auroc, Bools, folds_of

if TYPE_CHECKING:
    import polars as pl

MOST_VALUES = 8
"""Distinct values up to which a column is a list of names; more, if they are numbers, are cut into thirds."""


def by_column(table: pl.DataFrame, cohort: BootstrapCohort, column: str, *, seed: int, draws: int) -> dict[str, Json]:
    """Return the AUROC of the abnormals of each value of `column` against all normals: ``{value: {value, low, high,
    n}}``.
    """
    names = _named(text(table, column), cohort.abnormal)
    statistics: dict[str, Statistic] = {}
    out: dict[str, Json] = {}
    for name in sorted(set(names[cohort.abnormal]) - {""}, key=_natural):
        among = ~cohort.abnormal | (names == name)
        short = cohort.shortfall(among)
        out[str(name)] = Missing(short).to_json()
        if not short:
            statistics[str(name)] = Auroc(folds_of(cohort.score, cohort.abnormal, cohort.fold, among))
    if statistics:
        rng = np.random.default_rng([seed, len(column)])
        for name, drawn in draw_all(statistics, cohort, draws=draws, rng=rng).items():
            out[name] = drawn.interval().to_json()
    for name, entry in out.items():
        if isinstance(entry, dict):
            entry["n"] = int((cohort.abnormal & (names == name)).sum())
    return out


def _named(values: NDArray[np.str_], abnormal: Bools) -> NDArray[np.str_]:
    """Return the values as they are, or thirds of them where they are many numbers; "" stays ""."""
    present = np.unique(values[abnormal & (values != "")])
    if len(present) <= MOST_VALUES:
        return values
    try:
        parsed = np.array([float(v) if v else np.nan for v in values])
    except ValueError:
        return values
    low, high = np.nanquantile(parsed[abnormal], [1 / 3, 2 / 3])
    named = np.where(parsed <= low, f"up to {low:.3g}", np.where(parsed <= high, f"{low:.3g} to {high:.3g}", ""))
    named = np.where(parsed > high, f"over {high:.3g}", named)
    return np.where(np.isfinite(parsed), named, "").astype(np.str_)


def _natural(name: str) -> tuple[int, float, str]:
    try:
        return (0, float(name), name)
    except ValueError:
        return ({"up": 1, "ov": 3}.get(name[:2], 2), 0.0, name)
