"""Figures of reconstructions with their intervals, by a bootstrap over pictures (over patients, where they are known).

`share` is how much of the way from a baseline to supervised learning a method goes without the truth:
(method − baseline) / (supervised − baseline), of mean PSNRs on the same pictures: each draw takes the same pictures of
all three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unseen.evaluation.bootstrap import Statistic, draw_all
from unseen.evaluation.cohort import Cohort
from unseen.evaluation.interval import Figure, Missing
from unseen.evaluation.roc import Floats

_SEED = 0
LEAST_GAP_DB = 0.2
"""A gap below which no share of it is given: the quotient of two differences that are noise says nothing."""


def mean_of(values: Sequence[float], units: Sequence[int]) -> Figure:
    """The mean over pictures, with its 95 % interval.

    >>> mean_of([20.0, 22.0, 24.0], [0, 1, 2]).value
    22.0
    """
    measured = np.asarray(values, np.float64)
    return _drawn(lambda weights: weights @ measured / weights.sum(axis=1), units)


def share(
    method: Sequence[float], baseline: Sequence[float], supervised: Sequence[float], units: Sequence[int]
) -> Figure:
    """The share of the gap that the method closes, with its paired 95 % interval; one PSNR a picture, in dB.

    >>> str(share([28.0, 29.0], [20.0, 21.0], [30.0, 31.0], [0, 1]))
    '0.80 (0.80 to 0.80)'
    """
    a, b, c = (np.asarray(values, np.float64) for values in (method, baseline, supervised))
    gap = float((c - b).mean())
    if gap < LEAST_GAP_DB:
        return Missing(f"supervised learning is {gap:.2f} dB above the baseline, which leaves no gap to close")
    return _drawn(lambda weights: (weights @ (a - b)) / (weights @ (c - b)), units)


def _drawn(statistic: Statistic, units: Sequence[int]) -> Figure:
    n = len(units)
    none = np.zeros(n, np.int64)
    cohort = Cohort(np.zeros(n), np.zeros(n, np.bool_), none, np.full(n, ""), np.asarray(units, np.int64), none)

    def safe(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return statistic(weights)

    drawn = draw_all({"figure": safe}, cohort, rng=np.random.default_rng(_SEED))
    return drawn["figure"].interval()
