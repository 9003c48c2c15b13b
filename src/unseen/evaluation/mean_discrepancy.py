"""Maximum mean discrepancy (MMD): distance between the distributions of two samples.

    MMD² = E k(x, x') + E k(y, y') − 2 E k(x, y),   k(u, v) = exp(−‖u − v‖² / (2 h²))

estimated without bias, over pairs of different points; h is the median of all points' distances to each other. It is 0
where the distributions are the same, at most 2, and the estimate may be a little below 0.

Source: Gretton, Borgwardt, Rasch, Schölkopf & Smola, "A kernel two-sample test", JMLR 13, 2012, eq. 3 and section 8.
The p-value is by permutation, and counts the observed labelling as one of them (Phipson & Smyth 2010). The interval is
a bootstrap of points in which no point meets itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseen.evaluation.bootstrap import BootstrapCohort, codes, draw_all
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.roc import Floats

PERMUTATIONS = 1000
DRAWS = 1000


@dataclass(frozen=True)
class MeanDiscrepancy:
    """Discrepancy of two samples of images; `mmd` returns it.

    >>> from unseen.evaluation import Interval
    >>> MeanDiscrepancy(Interval(0.1, 0.05, 0.2), chance=0.02, p=0.01, bandwidth=1.0, n=50, m=50).to_json()["p"]
    0.01

    Args:
        squared: MMD² with its 95 % interval.
        chance: 95 % of random relabellings of the same points give less than this.
        p: the share of relabellings that give as much; None where x's points come in groups, so that they cannot be
            relabelled one by one.
        bandwidth: h.
        n, m: points of x and of y.
    """

    squared: Figure
    chance: float
    p: float | None
    bandwidth: float
    n: int
    m: int

    def to_json(self) -> dict[str, Json]:
        """Return every field by its name."""
        return {
            "squared": self.squared.to_json(),
            "chance": round(self.chance, 6),
            "p": None if self.p is None else round(self.p, 6),
            "bandwidth": round(self.bandwidth, 6),
            "n": self.n,
            "m": self.m,
        }


def mmd(
    x: Floats,
    y: Floats,
    *,
    seed: int = 0,
    units: Sequence[int] | None = None,
    bandwidth: float | None = None,
    permutations: int = PERMUTATIONS,
    draws: int = DRAWS,
) -> MeanDiscrepancy:
    """MMD² of two samples, its interval, and its p-value.

    Args:
        x: (n, d), n ≥ 2.
        y: (m, d), m ≥ 2; its points are independent of each other.
        seed: of permutations and bootstrap.
        units: for each point of x what it is drawn with, such as its subject; None: each by itself.
        bandwidth: h; None: the median distance.
        permutations: how many relabellings, ≥ 1.
        draws: of the bootstrap, ≥ 1.

    Raises:
        ValueError: the samples have other shapes, or are not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(100, 2)), rng.normal(size=(100, 2))
        >>> mmd(a, b + 1).p < 0.01 < mmd(a, b).p
        True
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    check_point_sets(x, y)
    n, m = len(x), len(y)
    points = np.concatenate([x, y])
    squares = squared_distances(points, points)
    h = median_distance(squares) if bandwidth is None else float(bandwidth)
    kernel = np.exp(-squares / (2 * h**2)) if h > 0 else np.ones_like(squares)
    np.fill_diagonal(kernel, 0)
    groups = np.arange(n) if units is None else codes(np.asarray(units))
    first = np.arange(n + m) < n
    cohort = BootstrapCohort(
        np.zeros(n + m),
        ~first,
        np.zeros(n + m, np.int64),
        np.full(n + m, ""),
        np.concatenate([groups, groups.max() + 1 + np.arange(m)]),
        (~first).astype(np.int64),
    )

    def statistic(weights: Floats) -> Floats:
        a, b = weights * first, weights * ~first
        ka, kb = a @ kernel, b @ kernel
        within = [(ka * a).sum(1) / _pairs(a), (kb * b).sum(1) / _pairs(b)]
        between = (ka * b).sum(1) / (a.sum(1) * b.sum(1))
        return np.asarray(within[0] + within[1] - 2 * between)

    rng = np.random.default_rng(seed)
    drawn = draw_all({"mmd": statistic}, cohort, draws=draws, rng=rng)["mmd"]
    shuffled = _relabelled(kernel, n, permutations, rng)
    grouped = len(np.unique(groups)) < n
    observed = float(drawn.value)
    p = (1 + int((shuffled >= observed - 1e-12).sum())) / (1 + permutations)
    return MeanDiscrepancy(drawn.interval(), float(np.quantile(shuffled, 0.95)), None if grouped else p, h, n, m)


def squared_distances(x: Floats, y: Floats) -> Floats:
    """‖x_i − y_j‖²: (n, m).

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[25.0, 0.0]]
    """
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2 * x @ y.T
    return np.asarray(np.maximum(squares, 0))


def median_distance(squares: Floats) -> float:
    """Return the median distance of different points, of their squared distances (n, n).

    Returns the mean where the median is 0.
    """
    apart = np.sqrt(squares[np.triu_indices(len(squares), 1)])
    return float(np.median(apart)) or float(apart.mean())


def _relabelled(kernel: Floats, n: int, permutations: int, rng: np.random.Generator) -> Floats:
    """MMD² of so many random relabellings: (permutations,)."""
    size = len(kernel)
    m, rows, total = size - n, kernel.sum(1), kernel.sum()
    found = []
    for start in range(0, permutations, 250):
        orders = rng.permuted(np.tile(np.arange(size), (min(250, permutations - start), 1)), axis=1)
        chosen = (orders < n).astype(np.float64)  # (permutations, points)
        within = ((chosen @ kernel) * chosen).sum(1)
        reach = chosen @ rows
        other, between = total - 2 * reach + within, reach - within
        found.append(within / (n * (n - 1)) + other / (m * (m - 1)) - 2 * between / (n * m))
    return np.concatenate(found)


def _pairs(weights: Floats) -> Floats:
    """Return the weight of ordered pairs of different points: (rows,)."""
    pairs: Floats = weights.sum(1) ** 2 - (weights**2).sum(1)
    return np.where(pairs > 0, pairs, np.nan)


def check_point_sets(x: Floats, y: Floats) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(
            f"two samples are (n, d) and (m, d), with two points or more each, but got {x.shape} and {y.shape}."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("the samples hold NaN or infinity. Find out where they come from.")
