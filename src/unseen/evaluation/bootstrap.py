"""The stratified bootstrap: a figure is a function of the films' weights, a draw is a row of multiplicities.

Every figure of an evaluation is computed on the same draws, so that the difference of two of them is paired for free.
Intervals are percentiles (Efron & Tibshirani 1993, ch. 13). Where the classes are separated perfectly every draw is 1
and the interval has no width: it then says nothing of how many films there were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from unseen.evaluation.cohort import Cohort
from unseen.evaluation.interval import Figure, Interval, Missing
from unseen.evaluation.roc import Floats

DRAWS = 2000
"""Draws of an interval; docs/theory/cross-fitting.md."""

CELLS = 2_000_000
"""Weights held at once (16 MB): 20,000 films are drawn 100 rows at a time."""

Statistic: TypeAlias = Callable[[Floats], Floats]
"""(draws, films) weights → (draws,) or (draws, points) values."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure and its draws: `value` () or (points,), `draws` (draws,) or (draws, points)."""

    value: Floats
    draws: Floats

    def __sub__(self, other: Drawn) -> Drawn:
        """The paired difference; both must come from one `draw_all`."""
        return Drawn(self.value - other.value, self.draws - other.draws)

    def strength(self) -> Drawn:
        """max(a, 1 − a), its direction taken from the point value and kept in every draw."""
        return self if float(self.value) >= 0.5 else Drawn(1 - self.value, 1 - self.draws)

    def interval(self, *, level: float = 0.95) -> Figure:
        """Percentile interval of a single figure."""
        kept = self.draws[np.isfinite(self.draws)]
        if not np.isfinite(self.value) or not len(kept):
            return Missing("no draw held both classes")
        low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(self.value), float(low), float(high))

    def band(self, *, level: float = 0.95) -> tuple[Floats, Floats]:
        """Pointwise percentile band of a curve: two (points,)."""
        low, high = np.nanquantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.asarray(low), np.asarray(high)


def multiplicities(cohort: Cohort, *, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each film is drawn, in blocks (rows, films) that add up to `draws` rows.

    Within each stratum as many units are drawn with replacement as it has; a film counts as often as its unit.
    """
    units, first = np.unique(cohort.unit, return_index=True)
    position = np.searchsorted(units, cohort.unit)
    strata = [np.flatnonzero(cohort.stratum[first] == s) for s in np.unique(cohort.stratum[first])]
    block = max(1, min(draws, CELLS // max(len(cohort), 1)))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        counts = np.zeros((len(units), rows))
        for members in strata:
            size = len(members)
            picks = rng.integers(0, size, (rows, size)) + np.arange(rows)[:, None] * size
            counts[members] = np.bincount(picks.reshape(-1), minlength=rows * size).reshape(rows, size).T
        yield counts[position].T


def draw_all(
    statistics: Mapping[str, Statistic], cohort: Cohort, *, draws: int = DRAWS, rng: np.random.Generator
) -> dict[str, Drawn]:
    """Every statistic at weights of one, and on the same `draws` bootstrap draws. Same generator state, same values."""
    ones = np.ones((1, len(cohort)))
    values = {name: statistic(ones)[0] for name, statistic in statistics.items()}
    blocks: dict[str, list[Floats]] = {name: [] for name in statistics}
    for weights in multiplicities(cohort, draws=draws, rng=rng):
        for name, statistic in statistics.items():
            blocks[name].append(statistic(weights))
    return {name: Drawn(np.asarray(values[name]), np.concatenate(blocks[name])) for name in statistics}
