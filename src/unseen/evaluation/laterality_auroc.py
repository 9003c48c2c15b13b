"""Laterality: AUROC of the side ratio, films with disease on the right against films with disease on the left.

Both groups consist of abnormal films of one kind. A property of the whole film (sharpness, exposure, hospital,
compression) has one value per film and no side, so 0.5 is expected of it. A property of each lung can have a side: the
area of the ill lung, its grey value or its texture. `lung_shortcuts` measures three of them, and `laterality` compares
the detector with each on the same bootstrap draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unseen.evaluation.bootstrap import DRAWS, LEAST, BootstrapCohort, Statistic, codes, draw_all
from unseen.evaluation.intervals import Figure, Interval, Json, Missing
from unseen.evaluation.roc import Auroc, Bools, Floats, Ints, folds_of

if TYPE_CHECKING:
    from unseen.evaluation.bootstrap import Drawn


@dataclass(frozen=True)
class Laterality:
    """Laterality of a detector, next to simple statistics of each lung.

    Args:
        figure: AUROC of the side, 0 to 1; 0.5 is chance.
        right: number of films with disease in the right lung.
        left: number of films with disease in the left lung.
        shortcuts: AUROC of each statistic of one lung as max(a, 1 − a), by name.
        differences: detector minus shortcut on the same draws, by name.

    Example:
        >>> Laterality(Interval(0.8, 0.7, 0.9), 60, 50).above_shortcuts
        False
    """

    figure: Figure
    right: int
    left: int
    shortcuts: Mapping[str, Figure] = field(default_factory=dict)
    differences: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def best_shortcut(self) -> str | None:
        """Name of the shortcut with the highest AUROC; None without one."""
        known = {name: figure.value for name, figure in self.shortcuts.items() if isinstance(figure, Interval)}
        return max(known, key=lambda name: known[name]) if known else None

    @property
    def above_shortcuts(self) -> bool:
        """True if the interval of every difference is above 0: only then the figure shows that disease is detected.

        False without a shortcut, as nothing was compared.
        """
        known = [figure for figure in self.differences.values() if isinstance(figure, Interval)]
        return bool(known) and len(known) == len(self.differences) and all(figure.low > 0 for figure in known)

    def to_json(self) -> dict[str, Json]:
        """Return the figure, the numbers of films, the shortcuts and the differences as JSON values."""
        return {
            **self.figure.to_json(),
            "right": self.right,
            "left": self.left,
            "shortcuts": {name: figure.to_json() for name, figure in self.shortcuts.items()},
            "differences": {name: figure.to_json() for name, figure in self.differences.items()},
            "best_shortcut": self.best_shortcut,
            "above_shortcuts": self.above_shortcuts,
        }


def laterality(
    ratio: ArrayLike,
    right_ill: ArrayLike,
    *,
    shortcuts: Mapping[str, ArrayLike] | None = None,
    fold: ArrayLike | None = None,
    source: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Laterality:
    """Measure whether a detector's map shows the ill lung, on films with disease on one side.

    The figure is the AUROC of `ratio`, films with disease on the right against films with disease on the left. It
    depends on the order of `ratio` alone. The interval is a 95 % percentile bootstrap over films, stratified by fold,
    source and side; shortcuts are measured on the same draws.

    Args:
        ratio: `side_ratio` of each film, shape (films,), higher: more mass in the right lung.
        right_ill: true where the disease is in the right lung, false where it is in the left, shape (films,).
        shortcuts: values of statistics of one lung, by name, such as those of `lung_shortcuts`, each of shape (films,).
            The AUROC a of each counts as max(a, 1 − a).
        fold: number of the model that made each map, shape (films,); maps of different models are not compared.
            None: one model.
        source: source of each film, shape (films,). None: one source.
        draws: number of bootstrap draws.
        seed: seed of the bootstrap.

    Returns:
        The figure with its interval; `Missing` in it with fewer than two films of a side in folds that have both.

    Raises:
        ValueError: the lengths differ, or a value is not finite.

    Example:
        >>> laterality([0.4, 0.2, -0.1, -0.3], [True, True, False, False], draws=50).figure
        Interval(value=1.0, low=1.0, high=1.0)

    Source:
        The test statistic is the Mann–Whitney count; intervals after Efron & Tibshirani 1993, chapter 13.
    """
    side = np.asarray(right_ill, dtype=bool)
    columns = {"": _column(ratio, len(side), "ratio")}
    columns |= {name: _column(values, len(side), f"shortcut {name}") for name, values in (shortcuts or {}).items()}
    cohort = _cohort(columns[""], side, fold, source)
    right, left = int(side.sum()), int((~side).sum())
    names = [name for name in columns if name]
    if short := _shortfall(cohort, right, left):
        missing = Missing(short)
        return Laterality(missing, right, left, dict.fromkeys(names, missing), dict.fromkeys(names, missing))
    statistics: dict[str, Statistic] = {
        name: Auroc(folds_of(values, side, cohort.fold)) for name, values in columns.items()
    }
    drawn = draw_all(statistics, cohort, draws=draws, rng=np.random.default_rng(seed))
    strong: dict[str, Drawn] = {name: drawn[name].strength() for name in names}
    return Laterality(
        drawn[""].interval(),
        right,
        left,
        {name: one.interval() for name, one in strong.items()},
        {name: (drawn[""] - one).interval() for name, one in strong.items()},
    )


def _column(values: ArrayLike, films: int, what: str) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (films,):
        raise ValueError(f"{what} has the shape {column.shape}, right_ill has {films} films; give one value per film.")
    if not np.isfinite(column).all():
        raise ValueError(f"{what} has {int((~np.isfinite(column)).sum())} values that are not finite; leave them out.")
    return column


def _cohort(ratio: Floats, side: Bools, fold: ArrayLike | None, source: ArrayLike | None) -> BootstrapCohort:
    none: Ints = np.zeros(len(side), dtype=np.int64)
    folds = none if fold is None else codes(_given(fold, len(side), "fold"))
    sources = np.full(len(side), "") if source is None else _given(source, len(side), "source").astype(np.str_)
    films = np.arange(len(side), dtype=np.int64)
    return BootstrapCohort(ratio, side, folds, sources, films, codes(folds, sources, side))


def _given(values: ArrayLike, films: int, what: str) -> NDArray[np.generic]:
    column = np.asarray(values)
    if column.shape != (films,):
        raise ValueError(f"{what} has the shape {column.shape}, right_ill has {films} films; give one value per film.")
    return column


def _shortfall(cohort: BootstrapCohort, right: int, left: int) -> str:
    if right < LEAST or left < LEAST:
        return f"{right} films with disease on the right and {left} on the left; at least {LEAST} of each are needed"
    counted = cohort.in_whole_folds(np.ones(len(cohort), dtype=bool))
    if not counted.any():
        return "no fold has films of both sides"
    right, left = int((counted & cohort.abnormal).sum()), int((counted & ~cohort.abnormal).sum())
    if right < LEAST or left < LEAST:
        return (
            f"{right} films with disease on the right and {left} on the left in the folds that have both; at least "
            f"{LEAST} of each are needed"
        )
    return ""
