"""Figures of a generator's study with their 95 % intervals: means, shares and quantiles, of images or of draws."""

from collections.abc import Sequence

import numpy as np

from unseen.evaluation.bootstrap import DRAWS, mean_of
from unseen.evaluation.intervals import Figure, Interval, proportion
from unseen.evaluation.roc import Bools, Floats

_SEED = 0


def share_of(flags: Bools, units: Sequence[int] | None = None) -> Figure:
    """The share of what is true: Clopper and Pearson's interval, or a bootstrap over units where they repeat.

    >>> str(share_of(np.array([True, False] * 20)))
    '0.50 (0.34 to 0.66)'
    """
    if units is not None and len(set(units)) < len(units):
        return mean_of([float(flag) for flag in flags], units)
    return proportion(int(flags.sum()), len(flags), without="there are none")


def quantile_of(values: Floats, level: float) -> Interval:
    """A quantile of independent values, by a percentile bootstrap.

    >>> quantile_of(np.arange(101.0), 0.5).value
    50.0
    """
    rng = np.random.default_rng(_SEED)
    drawn = np.quantile(values[rng.integers(0, len(values), (DRAWS, len(values)))], level, axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(np.quantile(values, level)), float(low), float(high))


def mean_over(values: Floats, units: Sequence[int] | None = None) -> Figure:
    """The mean, by a bootstrap over units, or over the values where each is its own.

    >>> mean_over(np.array([1.0, 3.0])).value
    2.0
    """
    return mean_of([float(value) for value in values], tuple(range(len(values))) if units is None else units)


def listed(values: Floats) -> list[float]:
    """For JSON: to six places, each as it came."""
    return [round(float(value), 6) for value in values]
