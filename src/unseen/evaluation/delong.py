"""DeLong's test: covariance of the AUROCs of several detectors on the same films, and the test of their differences.

    placements   V10_i = mean_j ψ(x_i, y_j),  V01_j = mean_i ψ(x_i, y_j),  ψ = 1 if x > y, ½ if x = y, else 0
    covariance   S = S10 / n1 + S01 / n0, the sample covariances of the placements across detectors

E. DeLong, D. DeLong, D. Clarke-Pearson, Biometrics 44 (1988) 837, eq. 5-6; by midranks in O(n log n) after
X. Sun, W. Xu, IEEE Signal Processing Letters 21 (2014) 1389, algorithm 2. Written here because no kept library has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unseen.evaluation.intervals import Figure, Interval, Missing
from unseen.evaluation.roc import Bools, Floats, Ints

Z95 = 1.959963984540054


def delong_covariance(scores: Floats, abnormal: Bools) -> tuple[Floats, Floats]:
    """Return AUROCs (detectors,) and their covariance (detectors, detectors) of `scores` (detectors, films).

    >>> value, covariance = delong_covariance(np.array([[0.1, 0.4, 0.35, 0.8]]), np.array([False, False, True, True]))
    >>> value.tolist(), covariance.tolist()
    ([0.75], [[0.125]])
    """
    from scipy.stats import rankdata

    ill, normal = scores[:, abnormal], scores[:, ~abnormal]
    n1, n0 = ill.shape[1], normal.shape[1]
    if n1 < 2 or n0 < 2:
        raise ValueError(f"DeLong needs two films of each class; got {n0} normal and {n1} abnormal.")
    among_all = rankdata(np.concatenate([ill, normal], axis=1), axis=1)  # midranks, (detectors, n1 + n0)
    v10 = (among_all[:, :n1] - rankdata(ill, axis=1)) / n0  # (detectors, n1)
    v01 = 1 - (among_all[:, n1:] - rankdata(normal, axis=1)) / n1  # (detectors, n0)
    covariance = np.atleast_2d(np.cov(v10)) / n1 + np.atleast_2d(np.cov(v01)) / n0
    return v10.mean(axis=1), covariance


def folded_covariance(scores: Floats, abnormal: Bools, fold: Ints) -> tuple[Floats, Floats]:
    """Return the same for fold-weighted AUROCs: Σ w_f a_f and Σ w_f² S_f with w_f ∝ n0·n1.

    The folds' films are independent.

    A fold with fewer than two films of a class is left out.
    """
    weights, values, covariances = [], [], []
    for number in np.unique(fold):
        here = fold == number
        n1, n0 = int(abnormal[here].sum()), int((~abnormal[here]).sum())
        if n1 < 2 or n0 < 2:
            continue
        value, covariance = delong_covariance(scores[:, here], abnormal[here])
        weights.append(float(n0 * n1))
        values.append(value)
        covariances.append(covariance)
    if not weights:
        raise ValueError("DeLong needs a fold with two films of each class; none has them.")
    w = np.array(weights) / sum(weights)
    return np.einsum("f,fd->d", w, np.stack(values)), np.einsum("f,fde->de", w**2, np.stack(covariances))


def auroc_difference(
    first: Floats, second: Floats, abnormal: Bools, *, fold: Ints | None = None
) -> tuple[float, float]:
    """Return the AUROC of the first score less that of the second on the same films, and its standard error.

    Raises ValueError as `folded_covariance` does.
    """
    scores = np.stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)])
    value, covariance = folded_covariance(scores, abnormal, np.zeros(len(abnormal), int) if fold is None else fold)
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    return float(value[0] - value[1]), math.sqrt(max(variance, 0.0))


@dataclass(frozen=True)
class DelongTest:
    """AUROC of two detectors on the same films: their difference (first − second), z and the two-sided p."""

    difference: Figure
    z: float | None
    p: float | None


def delong_test(first: Floats, second: Floats, abnormal: Bools, *, fold: Ints | None = None) -> DelongTest:
    """Test whether two detectors have the same AUROC on the same films (correlated by that).

    Args:
        first: scores of the one, (films,).
        second: scores of the other on the same films, (films,).
        abnormal: which films are abnormal, (films,).
        fold: each film's fold, (films,): AUROCs are then fold-weighted. None: there are no folds.

    Two scores that rank alike have no variance of their difference: p is 1.

    >>> truth = np.array([False] * 3 + [True] * 3)
    >>> delong_test(np.array([1, 2, 3, 4, 5, 6.0]), np.array([1, 2, 3, 4, 5, 6.0]), truth).p
    1.0
    """
    from scipy.stats import norm

    try:
        difference, spread = auroc_difference(first, second, abnormal, fold=fold)
    except ValueError as error:
        return DelongTest(Missing(str(error)), None, None)
    interval = Interval(difference, difference - Z95 * spread, difference + Z95 * spread)
    if spread < 1e-12:
        if abs(difference) < 1e-12:
            return DelongTest(interval, 0.0, 1.0)
        return DelongTest(interval, None, None)
    z = difference / spread
    return DelongTest(interval, z, float(2 * norm.sf(abs(z))))
