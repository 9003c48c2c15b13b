"""Precision and recall of a generator's samples.

Around each point of a set lies a ball that just reaches its k-th nearest neighbour within the set; the balls together
are the set's support. Precision is the share of samples within the support of the real points, recall the share of real
points within that of the samples.

Source: Kynkäänniemi, Karras, Laine, Lehtinen & Aila, "Improved precision and recall metric for assessing generative
models", NeurIPS 2019, eqs. 1 and 2 (k = 3). Both shares grow with the number of points, and with the other set's
spread: compare them between sets of one size only.
"""

from dataclasses import dataclass

import numpy as np

from unseen.evaluation.mean_discrepancy import squared_distances
from unseen.evaluation.roc import Bools, Floats

NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Points within the other set's support; `precision_recall` returns it.

    >>> PrecisionRecall(precise=np.array([True, True]), recalled=np.array([True, False])).recall
    0.5

    Args:
        precise: (m,), of the samples.
        recalled: (n,), of the real points.
    """

    precise: Bools
    recalled: Bools

    @property
    def precision(self) -> float:
        """The share of samples that look real."""
        return float(self.precise.mean())

    @property
    def recall(self) -> float:
        """The share of real points that samples reach."""
        return float(self.recalled.mean())


def precision_recall(real: Floats, made: Floats, *, neighbours: int = NEIGHBOURS) -> PrecisionRecall:
    """Return precision and recall of samples.

    Args:
        real: (n, d), features of real images; n > neighbours.
        made: (m, d), features of samples; m > neighbours.
        neighbours: k ≥ 1.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, or too few points.

    Example:
        >>> line = np.linspace(0, 1, 50)[:, None]
        >>> found = precision_recall(line, line[:25])  # half of the line, none off it
        >>> found.precision, found.recall
        (1.0, 0.56)
    """
    real, made = np.asarray(real, np.float64), np.asarray(made, np.float64)
    if real.ndim != 2 or made.ndim != 2 or real.shape[1] != made.shape[1]:
        raise ValueError(f"features are (n, d) and (m, d), but got {real.shape} and {made.shape}.")
    if neighbours < 1 or min(len(real), len(made)) <= neighbours:
        raise ValueError(
            f"each point needs {neighbours} neighbours, of at least 1, but there are {len(real)} real points and "
            f"{len(made)} samples. Give more of them."
        )
    if not (np.isfinite(real).all() and np.isfinite(made).all()):
        raise ValueError("the features hold NaN or infinity. Find out where they come from.")
    between = squared_distances(real, made)  # (n, m)
    precise = np.any(between <= _reach(real, neighbours)[:, None], axis=0)
    recalled = np.any(between <= _reach(made, neighbours)[None, :], axis=1)
    return PrecisionRecall(np.asarray(precise), np.asarray(recalled))


def _reach(points: Floats, neighbours: int) -> Floats:
    """Return the squared distance of each point to its k-th nearest neighbour: (n,)."""
    squares = squared_distances(points, points)
    np.fill_diagonal(squares, -1)  # itself comes first, also before a copy of it
    return np.asarray(np.partition(squares, neighbours, axis=1)[:, neighbours])
