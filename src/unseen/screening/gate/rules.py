"""Linear rules: is this a proper film, or one that something was done to? And the limit at which a rule refuses.

A rule is a logistic regression between the training normals and their own transforms. Its value is a log-odds; its
limit is an upper quantile of the values of *out-of-fold* normals, for handling and the mirror never under even odds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unseen.screening.gate.looking import Floats


@dataclass(frozen=True, eq=False)
class Rule:
    """value = weights · entries + offset; weights (entries,), offset (1,)."""

    weights: Floats
    offset: Floats

    @classmethod
    def fit(cls, proper: Floats, altered: Floats, *, penalty: float = 10.0) -> Rule:
        """Between rows of proper films and rows of altered ones, both kinds counting alike; `penalty` is 1/C."""
        from sklearn.linear_model import LogisticRegression

        rows = np.concatenate([proper, altered])
        mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
        labels = np.r_[np.zeros(len(proper)), np.ones(len(altered))]
        model = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=300)
        model.fit((rows - mean) / spread, labels)
        weights = model.coef_[0] / spread
        return cls(weights, np.array([float(model.intercept_[0]) - float(weights @ mean)]))

    @classmethod
    def odd(cls, proper: Floats, mirrored: Floats, *, directions: int = 100, penalty: float = 0.1) -> Rule:
        """A rule without an offset on entries that change their sign when the film is flipped.

        Each row flipped is a row of the other kind, and adds the same again to the likelihood, whence 2/penalty.
        """
        from sklearn.linear_model import LogisticRegression

        rows = np.concatenate([proper, mirrored])
        labels = np.repeat([0, 1], [len(proper), len(mirrored)])
        _, singular, along = np.linalg.svd(rows, full_matrices=False)
        along = along[: min(directions, len(proper) // 2)]
        scale = max(float(singular[0]) / np.sqrt(len(rows)), 1e-9)
        model = LogisticRegression(C=2 / penalty, fit_intercept=False, max_iter=2000)
        model.fit(rows @ along.T / scale, labels)
        return cls(along.T @ model.coef_[0] / scale, np.zeros(1))

    def __call__(self, rows: Floats) -> Floats:
        """(n, entries) → (n,) log-odds."""
        return np.asarray(rows @ self.weights + self.offset[0])


def upper_limit(values: NDArray[np.float64], *, share: float) -> float:
    """The limit that a new value of the same kind exceeds with a chance of at most `share`, in sample-split terms.

    Of n values and a new one, all in random order, the new one is among the ⌊share · (n + 1)⌋ largest with at most that
    chance. With fewer than 1/share values it is the largest, and the chance 1/(n + 1).

    >>> upper_limit(np.arange(99.0), share=0.02)
    97.0
    """
    allowed = max(1, math.floor(share * (len(values) + 1) + 1e-9))
    return float(np.sort(values)[-min(allowed, len(values))])
