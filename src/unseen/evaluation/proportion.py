"""A share, k of n, with the interval of Clopper & Pearson, Biometrika 26 (1934): exact for any n, never too short."""

from __future__ import annotations

from unseen.evaluation.interval import Figure, Interval, Missing


def proportion(k: int, n: int, *, without: str) -> Figure:
    """`k` of `n` with its 95 % interval; `without`: why there is none where `n` is 0.

    >>> str(proportion(20, 100, without="no study")), str(proportion(0, 0, without="no study"))
    ('0.20 (0.13 to 0.29)', 'not given: no study')
    """
    from scipy.stats import binomtest

    if not n:
        return Missing(without)
    ends = binomtest(k, n).proportion_ci(method="exact")
    return Interval(k / n, float(ends.low), float(ends.high))
