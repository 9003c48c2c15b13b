"""Downscalings about a random point: blur and downsampling hide other details at another scale."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.group import Group, uniform
from unseen.physics.tensor_products import Shape

REACH = 2  # of the cubic kernel, in pixels of the coarser grid


class Scalings(Group):
    """(T_g x)(p) = (k ∗ x)(c + (p − c)/factor): x made smaller about c, low-passed so that nothing aliases, and
    continued beyond its edges by reflection.

    k is Keys' cubic kernel (a = −1/2), stretched by 1/factor. These transformations form no group: the inverse
    magnifies about the same point, and restores only the frequencies of a grid that is coarser by `factor` (smooth
    images nearly exactly, white noise at about `factor` of its norm).

    An element is (factor, down, right), the point c as shares of the height and of the width.

    Args:
        factors: each above 0 and at most 1; drawn with equal probability.

    Raises:
        ValueError: no factors, or one outside (0, 1].

    Source: Scanvic, Davies, Abry & Tachella, Self-supervised learning for image super-resolution and deblurring,
    2023, arXiv 2312.11232. R. Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP 29 (1981)
    1153–1160.

    Example:
        >>> import torch
        >>> x = torch.ones(1, 1, 16, 16)
        >>> y = Scalings().T(x, Scalings().sample(1, generator=torch.Generator().manual_seed(0)))
        >>> bool((y - 1).abs().max() < 1e-6)
        True
    """

    exact = False
    parameters = 3

    def __init__(self, factors: Sequence[float] = (0.5, 0.75)) -> None:
        if not factors or not all(0 < factor <= 1 for factor in factors):
            raise ValueError(f"Images are scaled by factors above 0 and at most 1, but got {tuple(factors)}.")
        self.factors = tuple(map(float, factors))

    def __repr__(self) -> str:
        return f"Scalings({self.factors})"

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        drawn = uniform(n, 3, generator=generator)
        factors = torch.tensor(self.factors, dtype=torch.float64)
        drawn[:, 0] = factors[(drawn[:, 0] * len(factors)).long()]
        return drawn

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        self._check_scaling(x, g)
        return _resample(x, g[:, 0], g[:, 1:])

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        self._check_scaling(x, g)
        return _resample(x, 1 / g[:, 0], g[:, 1:])

    def elements(self, shape: Shape) -> None:
        """Return None: there are infinitely many, since images are scaled about any point."""
        del shape

    def _check_scaling(self, x: Tensor, g: Tensor) -> None:
        self._check(x, g)
        if not bool(((g >= 0) & (g <= 1)).all() and (g[:, 0] > 0).all()):
            raise ValueError(
                "An element of Scalings is a factor above 0 and at most 1 and two shares from 0 to 1, but got "
                f"{g.tolist()[:4]}."
            )
        if not (x.is_floating_point() or x.is_complex()):
            raise ValueError(f"Scalings interpolate real or complex images, but got {x.dtype}.")


def _resample(x: Tensor, factor: Tensor, centre: Tensor) -> Tensor:
    precision = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        rows = resampling(x.shape[-2], factor, centre[:, 0]).to(x.device, precision)[:, None]  # (batch, 1, H, H)
        columns = resampling(x.shape[-1], factor, centre[:, 1]).to(x.device, precision)[:, None]
        return (rows @ x.to(precision) @ columns.mT).to(x.dtype)


def resampling(size: int, factor: Tensor, centre: Tensor) -> Tensor:
    """Return the matrices that scale columns of `size` pixels: (batch, size, size), float64, each row's sum 1.

    Args:
        size: how many pixels.
        factor: (batch,), > 0; above 1 they magnify.
        centre: (batch,), the fixed point as a share of the size.
    """
    factor, centre = factor.double()[:, None], centre.double()[:, None] * size - 0.5  # (batch, 1)
    fineness = factor.clamp(max=1)  # the kernel is stretched where images shrink
    source = centre + (torch.arange(size, dtype=torch.float64) - centre) / factor  # (batch, size)
    reach = int(REACH / float(fineness.min())) + 1 if len(factor) else REACH
    taps = source.floor()[..., None] + torch.arange(1 - reach, reach + 1)  # (batch, size, taps)
    weights = keys_kernel((source[..., None] - taps) * fineness[..., None])
    weights = weights / weights.sum(dim=-1, keepdim=True)
    folded = taps.long().remainder(2 * size)
    folded = torch.minimum(folded, 2 * size - 1 - folded)
    return torch.zeros(len(factor), size, size, dtype=torch.float64).scatter_add(2, folded, weights)


def keys_kernel(t: Tensor) -> Tensor:
    """Return Keys' cubic convolution kernel with a = −1/2 at t, zero beyond 2."""
    t = t.abs()
    near = (1.5 * t - 2.5) * t**2 + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t <= 1, near, torch.where(t < REACH, far, 0.0))
