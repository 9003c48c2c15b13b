"""Laterality: is the map's mass greater in the ill lung of films with disease on one side?

    side_ratio  (r − l) / (r + l): r, l = mean of the highest tenth of the map's cells in the right, the left lung
    laterality  AUROC of `side_ratio`, films with disease on the right against films with disease on the left

Both groups consist of abnormal films of one kind. A property of the whole film (sharpness, exposure, hospital,
compression) has one value per film and no side, so 0.5 is expected of it. A property of each lung can: the area of
the ill lung, its grey value or its texture. `lung_shortcuts` measures three of them, and `laterality` compares the
detector with each on the same bootstrap draws.
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
from unseen.evaluation.simple_statistics import laplacian

if TYPE_CHECKING:
    from unseen.evaluation.bootstrap import Drawn

TOP = 0.1
"""Share of a lung's cells whose mean is the lung's mass: a lesion is smaller than a lung, and one cell is noise."""

LUNG_SHORTCUTS = {"area": "lung area", "grey": "mean grey value", "texture": "mean |Laplacian|"}
"""Simple statistics of one lung that `lung_shortcuts` compares between the sides, each with its words."""


def split_lungs(mask: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Split a mask of both lungs into the right and the left lung of the patient.

    The boundary is the column with the fewest mask pixels in the middle third of the mask's width; of several such
    columns their mean. Pixels on the boundary belong to no lung. The mirrored mask gives the mirrored lungs.

    Args:
        mask: both lungs on a frontal film, shape (height, width), nonzero inside. The patient's right is on the left of
            the film.

    Returns:
        The right and the left lung, each of the mask's shape.

    Raises:
        ValueError: the mask has not two dimensions, or one side has no pixel.

    Example:
        >>> right, left = split_lungs([[1, 1, 0, 1]])
        >>> right.tolist(), left.tolist()
        ([[True, True, False, False]], [[False, False, False, True]])
    """
    lungs = np.asarray(mask) != 0
    if lungs.ndim != 2:
        raise ValueError(f"the mask has the shape {lungs.shape}; give one mask of shape (height, width).")
    columns = lungs.sum(axis=0)
    filled = np.flatnonzero(columns)
    if not len(filled):
        raise ValueError("the mask is empty: no lung was found. Leave the film out.")
    first, last = int(filled[0]), int(filled[-1])
    third = (last - first) / 3
    middle = np.array([c for c in range(first, last + 1) if first + third <= c <= last - third], dtype=np.int64)
    # a mask of one or two columns has no column within its middle third
    narrowest = middle[columns[middle] == columns[middle].min()] if len(middle) else middle
    boundary = float(narrowest.mean()) if len(narrowest) else (first + last) / 2
    place = np.arange(lungs.shape[1])
    right, left = lungs & (place < boundary), lungs & (place > boundary)
    if not right.any() or not left.any():
        raise ValueError("the mask has lung on one side only. Leave the film out.")
    return right, left


def side_ratio(anomaly_map: ArrayLike, right: ArrayLike, left: ArrayLike, *, top: float = TOP) -> float:
    """Compare the map's mass in both lungs: above 0 where it is greater in the right lung.

    Args:
        anomaly_map: the map, shape (height, width), 0 or more, higher is more abnormal.
        right: the patient's right lung on the map's grid, shape (height, width), nonzero inside.
        left: the left lung, likewise.
        top: share of a lung's cells that count, the highest ones; above 0, at most 1.

    Returns:
        (r − l) / (r + l), −1 to 1, with the means r and l of the highest cells of the right and the left lung; 0 where
        both are 0. It is an increasing function of log(r / l), and the mirrored film has the negative value.

    Raises:
        ValueError: the shapes differ, a lung has no cell, the map has negative or non-finite values inside the lungs,
            or `top` is out of range.

    Example:
        >>> side_ratio([[3.0, 0.0, 1.0]], [[1, 0, 0]], [[0, 0, 1]])
        0.5
    """
    if not 0 < top <= 1:
        raise ValueError(f"top is {top}; give a share above 0 and at most 1.")
    return _contrast(*(_mass(np.asarray(anomaly_map, np.float64), lung, top) for lung in (right, left)))


def _mass(anomaly_map: Floats, lung: ArrayLike, top: float) -> float:
    inside = np.asarray(lung) != 0
    if inside.shape != anomaly_map.shape:
        raise ValueError(f"the map is {anomaly_map.shape}, the lung {inside.shape}; bring both onto the map's grid.")
    cells = anomaly_map[inside]
    if not len(cells):
        raise ValueError("a lung has no cell on the map's grid. Leave the film out.")
    if not np.isfinite(cells).all() or cells.min() < 0:
        raise ValueError("the map has negative or non-finite values inside the lungs; give a map of values ≥ 0.")
    most = max(1, round(top * len(cells)))
    return float(np.sort(cells)[-most:].mean())


def _contrast(right: float, left: float) -> float:
    return (right - left) / (right + left) if right + left > 0 else 0.0


def lung_shortcuts(pixels: ArrayLike, right: ArrayLike, left: ArrayLike) -> dict[str, float]:
    """Compare simple statistics of both lungs, each as (right − left) / (right + left).

    Args:
        pixels: the film, shape (height, width), 0 to 1.
        right: the patient's right lung on the film, shape (height, width), nonzero inside.
        left: the left lung, likewise.

    Returns:
        A value from −1 to 1 for each name of `LUNG_SHORTCUTS`: the lung's area, its mean grey value and its mean
        absolute Laplacian.

    Raises:
        ValueError: the shapes differ, or a lung has no pixel.

    Example:
        >>> film, sides = np.full((4, 4), 0.5), np.arange(4)[None].repeat(4, 0)
        >>> lung_shortcuts(film, sides == 0, sides >= 2)["grey"]
        0.0
    """
    film = np.asarray(pixels, dtype=np.float32)
    # edge pixels have no four neighbours; the film's edge is repeated
    detail = np.abs(laplacian(np.pad(film, 1, mode="edge")))
    measured: list[dict[str, float]] = []
    for lung in (right, left):
        inside = np.asarray(lung) != 0
        if inside.shape != film.shape:
            raise ValueError(f"the film is {film.shape}, the lung {inside.shape}; give both on one grid.")
        if not inside.any():
            raise ValueError("a lung has no pixel. Leave the film out.")
        measured.append(
            {
                "area": float(inside.mean()),
                "grey": float(film[inside].mean(dtype=np.float64)),
                "texture": float(detail[inside].mean(dtype=np.float64)),
            }
        )
    return {name: _contrast(measured[0][name], measured[1][name]) for name in LUNG_SHORTCUTS}


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
        The figure with its interval; `Missing` in it with fewer than two films of a side.

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
    return "" if folds_of(cohort.score, cohort.abnormal, cohort.fold) else "no fold has films of both sides"
