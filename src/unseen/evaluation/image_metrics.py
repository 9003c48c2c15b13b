"""Metrics of images: PSNR and SSIM of reconstructions; discrepancy, precision and recall of samples.

Peak signal-to-noise ratio: how far a reconstruction is from the truth, in decibels.

Structural similarity: how alike two images are, window by window, in brightness, contrast and structure.

Metrics of a generator's samples: maximum mean discrepancy, precision and recall.

Maximum mean discrepancy: how far two samples are from being drawn from one distribution.

    MMD² = E k(x, x') + E k(y, y') − 2 E k(x, y),   k(u, v) = exp(−‖u − v‖² / (2 h²))

estimated without bias, over pairs of different points; h is the median of all points' distances to each other. It is 0
where the distributions are the same, at most 2, and the estimate may be a little below 0.

Source: Gretton, Borgwardt, Rasch, Schölkopf & Smola, "A kernel two-sample test", JMLR 13, 2012, eq. 3 and section 8.
The p-value is by permutation, and counts the observed labelling as one of them (Phipson & Smyth 2010). The interval is
a bootstrap of points in which no point meets itself.

Precision and recall of a generator's samples: how many of them look real, and how much of what is real they reach.

Around each point of a set lies a ball that just reaches its k-th nearest neighbour within the set; the balls together
are the set's support. Precision is the share of samples within the support of the real points, recall the share of real
points within that of the samples.

Source: Kynkäänniemi, Karras, Laine, Lehtinen & Aila, "Improved precision and recall metric for assessing generative
models", NeurIPS 2019, eqs. 1 and 2 (k = 3). Both shares grow with the number of points, and with the other set's
spread: compare them between sets of one size only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unseen.evaluation.bootstrap import Cohort, codes, draw_all
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.roc import Bools, Floats
from unseen.losses.structural_similarity import RADIUS, similarity_map
from unseen.physics.algebra import describe
from unseen.physics.numpy_arrays import arrays_too


@arrays_too
def psnr(found: Tensor, truth: Tensor, *, peak: float | None = 1.0) -> Tensor:
    """10 log10(peak² / mean (found − truth)²), per image; of complex images, their magnitudes are compared.

    Args:
        found: (batch, channels, height, width), real or complex; a NumPy array too, and then an array comes back.
        truth: of the same shape.
        peak: > 0, the range of values an image can have; None: each truth's own largest magnitude, as the papers on
            equivariant imaging take it (never above the figure for a fixed peak that no image exceeds).

    Returns:
        (batch,), float64, in dB; infinite where the two are equal.

    Raises:
        ValueError: the shapes differ, or the peak is not above 0.

    Example:
        >>> import torch
        >>> truth = torch.full((1, 1, 4, 4), 0.5)
        >>> round(psnr(truth + 0.1, truth).item(), 4), round(psnr(truth + 0.1, truth, peak=None).item(), 4)
        (20.0, 13.9794)
    """
    found, truth = same_images(found, truth)
    if peak is not None and not peak > 0:
        raise ValueError(f"peak is the range of an image's values, above 0, but got {peak}.")
    error = (found - truth).flatten(1).square().mean(dim=1)
    height = truth.flatten(1).abs().amax(dim=1) if peak is None else torch.full_like(error, peak)
    return 10 * torch.log10(height**2 / error)


def same_images(found: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Both in float64, complex ones as magnitudes.

    Raises:
        ValueError: they are not images (batch, channels, height, width) of one shape.
    """
    if found.shape != truth.shape or truth.ndim != 4:
        raise ValueError(
            "a reconstruction is compared with a truth of its own shape, (batch, channels, height, width), but they "
            f"have {describe(tuple(found.shape))} and {describe(tuple(truth.shape))}."
        )
    return _magnitudes(found), _magnitudes(truth)


def _magnitudes(images: Tensor) -> Tensor:
    images = images.detach()
    return (images.abs() if images.is_complex() else images).double()


@arrays_too
def ssim(found: Tensor, truth: Tensor, *, peak: float = 1.0) -> Tensor:
    """The mean of `losses.similarity_map` over all windows that lie in the image, and over channels. Of complex
    images, the magnitudes are compared.

    Args:
        found: (batch, channels, height, width), at least 11 × 11 pixels, real or complex; a NumPy array too.
        truth: of the same shape.
        peak: > 0, the range of values an image can have.

    Returns:
        (batch,), float64, at most 1.

    Raises:
        ValueError: the shapes differ, the images are too small, or the peak is not above 0.

    Example:
        >>> import torch
        >>> truth = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> round(ssim(truth, truth).item(), 6), ssim(1 - truth, truth).item() < 0
        (1.0, True)

    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13 (2004) 600-612, eq. 13; scikit-image's
    `structural_similarity` with `gaussian_weights=True, use_sample_covariance=False` gives the same.
    """
    a, b = same_images(found, truth)
    if min(a.shape[2:]) < 2 * RADIUS + 1:
        raise ValueError(f"SSIM needs images of at least 11 × 11 pixels, but got {a.shape[2]} × {a.shape[3]}.")
    if not peak > 0:
        raise ValueError(f"peak is the range of an image's values, above 0, but got {peak}.")
    return similarity_map(a, b, peak=peak).flatten(1).mean(dim=1)


PERMUTATIONS = 1000
DRAWS = 1000


@dataclass(frozen=True)
class MeanDiscrepancy:
    """How far two samples of images are from one another; `mmd` returns it.

    >>> from unseen.evaluation import Interval
    >>> MeanDiscrepancy(Interval(0.1, 0.05, 0.2), chance=0.02, p=0.01, bandwidth=1.0, n=50, m=50).to_json()["p"]
    0.01

    squared    MMD² with its 95 % interval
    chance     95 % of random relabellings of the same points give less than this
    p          the share of relabellings that give as much; None where x's points come in groups, so that they cannot
               be relabelled one by one
    bandwidth  h
    n, m       points of x and of y
    """

    squared: Figure
    chance: float
    p: float | None
    bandwidth: float
    n: int
    m: int

    def to_json(self) -> dict[str, Json]:
        """Every field by its name."""
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
    _check(x, y)
    n, m = len(x), len(y)
    points = np.concatenate([x, y])
    squares = squared_distances(points, points)
    h = median_distance(squares) if bandwidth is None else float(bandwidth)
    kernel = np.exp(-squares / (2 * h**2)) if h > 0 else np.ones_like(squares)
    np.fill_diagonal(kernel, 0)
    groups = np.arange(n) if units is None else codes(np.asarray(units))
    first = np.arange(n + m) < n
    cohort = Cohort(
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
    """The median distance of different points, of their squared distances (n, n); the mean where the median is 0."""
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
    """The weight of ordered pairs of different points: (rows,)."""
    pairs: Floats = weights.sum(1) ** 2 - (weights**2).sum(1)
    return np.where(pairs > 0, pairs, np.nan)


def _check(x: Floats, y: Floats) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(
            f"two samples are (n, d) and (m, d), with two points or more each, but got {x.shape} and {y.shape}."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("the samples hold NaN or infinity. Find out where they come from.")


NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Which points lie within the other set's support; `precision_recall` returns it.

    >>> PrecisionRecall(precise=np.array([True, True]), recalled=np.array([True, False])).recall
    0.5

    precise   (m,), of the samples
    recalled  (n,), of the real points
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
    """Precision and recall of samples.

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
    """The squared distance of each point to its k-th nearest neighbour: (n,)."""
    squares = squared_distances(points, points)
    np.fill_diagonal(squares, -1)  # itself comes first, also before a copy of it
    return np.asarray(np.partition(squares, neighbours, axis=1)[:, neighbours])
