"""The gain and read-out noise of a detector, from the images that it took: Var y = gain · E y + sigma².

Blocks of 2 × 2 pixels give a level, their mean, and a variance, their diagonal Haar detail squared, which is blind to
slopes. Which blocks count, and with which others they are averaged, is decided on the eight blocks around alone, whose
noise is independent: so neither choosing flat places nor sorting by brightness biases what is found. A line through
the averages, weighted by their precision, has the gain as its slope and sigma² as its height at zero.

Eight smooth images of 256² give the gain to 1 % where counts make most of the noise (to 4 % where read-out makes
most) and the variance to 0.8 %. Texture as fine as the pixels counts as noise: where there is little noise, both come
out too large.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from unseen.physics.tensor_products import describe

LEVELS = 32  # bins of equal count, from dark to bright
FEWEST = 100  # blocks in a bin
FLATTEST = 0.5  # the share of blocks that counts in each bin
FAR = 5.0  # standard deviations beyond which a detail is an edge; even of rare counts little of the variance lies there
ROUNDS = 10
SIGNIFICANT = 3.0  # standard errors


@dataclass(frozen=True)
class CountNoise:
    """Var y = gain · E y + sigma².

    Args:
        gain: what one count adds.
        sigma: the read-out's standard deviation.
    """

    gain: float
    sigma: float


def fit_count_noise(y: Tensor, *, read_out: bool) -> CountNoise:
    """Estimate gain and sigma of the detector that measured y.

    Args:
        y: (batch, channels, height, width), real; all images and channels are from one detector, and have not been
            filtered, resampled or clipped.
        read_out: whether there is read-out noise; if not, sigma = 0 and the line passes through zero.

    Raises:
        ValueError: y is no batch of finite real images, has too few places that are not blank, or the variance does
            not grow with the level.

    Source: after A. Foi, M. Trimeche, V. Katkovnik & K. Egiazarian, Practical Poissonian-Gaussian noise modeling and
    fitting for single-image raw-data, IEEE TIP 17 (2008) 1737–1754; differs in how flat places are found.
    """
    around, level, detail = _blocks(y)
    if len(around) < 2 * FEWEST:
        raise ValueError(
            f"Noise is estimated on {2 * FEWEST} blocks of 2 × 2 pixels that are not blank or more, but got "
            f"{len(around)} of images {describe(tuple(y.shape))}. Give more images."
        )
    bins = torch.tensor_split(around.argsort(), max(2, min(LEVELS, len(around) // FEWEST)))
    brightness = torch.stack([level[members].mean() for members in bins]).clamp(min=0)
    variance = torch.stack([_flat_variance(detail[members]) for members in bins])
    precision = torch.tensor([len(members) / 2 for members in bins], dtype=torch.float64)  # of variance / expectation

    gain, floor, error = 0.0, float(variance.mean()), 0.0
    for _ in range(ROUNDS):
        expected = (gain * brightness + floor).clamp(min=1e-9 * float(variance.max()))
        gain, floor, error = _line(brightness, variance, precision / expected**2, through_zero=not read_out)
    if not gain > SIGNIFICANT * error:
        raise ValueError(
            f"The noise's variance does not grow with the level: gain {gain:.3g} ± {error:.2g}, variance at zero "
            f"{floor:.3g}. Use Gaussian, with sigma = Gaussian.estimate(y), or give images of more levels."
        )
    return CountNoise(gain=gain, sigma=floor**0.5)


def _blocks(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Measure the flattest blocks: the mean of the eight around, their own mean and their detail: (blocks,) each."""
    if y.ndim != 4 or min(y.shape[2:]) < 6 or not y.is_floating_point() or not bool(torch.isfinite(y).all()):
        raise ValueError(
            "Noise is estimated on finite real (batch, channels, height, width) of at least 6 × 6 pixels, but got "
            f"{y.dtype} of {describe(tuple(y.shape))}{'' if torch.isfinite(y).all() else ' that is not finite'}."
        )
    y = y.detach().double()[..., : y.shape[2] // 2 * 2, : y.shape[3] // 2 * 2].flatten(0, 1)[:, None]
    a, b, c, e = y[..., ::2, ::2], y[..., ::2, 1::2], y[..., 1::2, ::2], y[..., 1::2, 1::2]
    level, detail = (a + b + c + e) / 4, (a - b - c + e) / 2
    nine = functional.unfold(level, 3).mT.reshape(-1, 9)
    ring = nine[:, [0, 1, 2, 3, 5, 6, 7, 8]]  # (blocks, 8); i and 7 − i lie opposite
    unevenness = (ring - ring.flip(1)).abs().amax(dim=1)
    around, own, detail = ring.mean(dim=1), nine[:, 4], detail[..., 1:-1, 1:-1].flatten()
    shown = (ring != ring[:, :1]).any(dim=1)
    around, own, detail, unevenness = around[shown], own[shown], detail[shown], unevenness[shown]
    flat = [
        members[unevenness[members].argsort()[: max(1, int(FLATTEST * len(members)))]]
        for members in torch.tensor_split(around.argsort(), LEVELS)
        if len(members)
    ]
    kept = torch.cat(flat) if flat else torch.empty(0, dtype=torch.int64)
    return around[kept], own[kept], detail[kept]


def _flat_variance(detail: Tensor) -> Tensor:
    """E detail² without the edges: what lies FAR out is left off, until nothing does."""
    squares, kept = detail**2, torch.ones_like(detail, dtype=torch.bool)
    for _ in range(ROUNDS):
        kept = squares <= FAR**2 * squares[kept].mean()
    return squares[kept].mean()


def _line(level: Tensor, variance: Tensor, weight: Tensor, *, through_zero: bool) -> tuple[float, float, float]:
    """(slope, height at zero, the slope's standard error) by weighted least squares, neither below zero.

    Where the height would be, the line passes through zero; the standard error is still that of a line that may not.
    """
    total, tiny = weight.sum(), torch.finfo(torch.float64).tiny
    middle = 0.0 if through_zero else float((weight * level).sum() / total)
    spread = (weight * (level - middle) ** 2).sum().clamp(min=tiny)
    error = float(spread**-0.5)
    slope = float((weight * (level - middle) * variance).sum() / spread)
    height = 0.0 if through_zero else float((weight * variance).sum() / total) - slope * middle
    if slope <= 0:
        return 0.0, float((weight * variance).sum() / total), error
    if height < 0:
        return float((weight * level * variance).sum() / (weight * level**2).sum()), 0.0, error
    return slope, height, error
