"""Gaussian noise, and the estimate of its level from an image."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from unseen.physics.noise import Noise, check_same_shape, per_sample, standard_normal
from unseen.physics.numpy_arrays import arrays_too, readable
from unseen.physics.tensor_products import describe

MEDIAN_OF_ABSOLUTE_NORMAL = 0.6744897501960817  # the standard normal's quantile at 3/4


class Gaussian(Noise):
    """y = u + sigma · n,  n ~ N(0, I).

    Args:
        sigma: standard deviation in u's units, ≥ 0: one number, or (batch,) one for each sample. Complex u: per real
            component.

    Raises:
        ValueError: sigma is negative, not finite, or neither a number nor one for each sample.
        TypeError: sigma is no number.

    Example:
        >>> import torch
        >>> noise = Gaussian(0.1)
        >>> y = noise.sample(torch.zeros(2, 1, 64, 64), generator=torch.Generator().manual_seed(0))
        >>> [round(s, 2) for s in noise.estimate(y).tolist()]
        [0.1, 0.1]
    """

    def __init__(self, sigma: float | Tensor) -> None:
        sigma = readable(sigma)
        try:
            if sigma.is_complex() if isinstance(sigma, Tensor) else np.iscomplexobj(sigma):
                raise TypeError("sigma is complex")  # torch would drop the imaginary part
            value = torch.as_tensor(sigma, dtype=torch.float64).detach().clone()
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"sigma is one number or one for each sample, but got {sigma!r}.") from error
        if value.ndim and (not value.numel() or value.numel() != len(value)):
            raise ValueError(f"sigma is one number or one for each sample, but got {describe(tuple(value.shape))}.")
        if not bool((torch.isfinite(value) & (value >= 0)).all()):
            raise ValueError(
                f"sigma is a standard deviation, finite and at least 0, but got {value.flatten().tolist()[:4]}."
            )
        self._sigma = value.flatten() if value.ndim else value

    def __repr__(self) -> str:
        return f"Gaussian(sigma={self._sigma.tolist()})"

    @property
    def sigma(self) -> Tensor:
        """A copy of sigma: () or (batch,), float64."""
        return self._sigma.clone()

    @property
    def batch(self) -> int | None:
        return self._sigma.numel() if self._sigma.numel() > 1 else None

    def select(self, samples: Tensor) -> Gaussian:
        return self if self.batch is None else Gaussian(self._sigma[samples.cpu()])

    def sigma_of(self, like: Tensor) -> Tensor:
        """sigma in a shape, precision and place that multiply `like`: () or (batch, 1, ...)."""
        return per_sample(self._sigma, like, "sigma")

    def sample(self, u: Tensor, *, generator: torch.Generator | None) -> Tensor:
        if not (u.is_floating_point() or u.is_complex()):
            raise ValueError(
                f"Noise is drawn around real or complex numbers, but u is {u.dtype}. Convert it by u.float()."
            )
        return (u + self.sigma_of(u) * standard_normal(u, generator=generator)).to(u.dtype)

    def log_likelihood(self, y: Tensor, u: Tensor) -> Tensor:
        check_same_shape(y, u)
        if not bool((self._sigma > 0).all()):
            raise ValueError("The likelihood of Gaussian noise needs sigma > 0: without noise y has no density.")
        y, u = (torch.view_as_real(t) if t.is_complex() else t for t in (y, u))
        sigma = self.sigma_of(y)
        terms = -((y - u) ** 2) / (2 * sigma**2) - torch.log(sigma) - 0.5 * math.log(2 * math.pi)
        return terms.flatten(1).sum(dim=1)

    def variance(self, u: Tensor) -> Tensor:
        return (self.sigma_of(u) ** 2).expand(u.shape)

    @staticmethod
    @arrays_too
    def estimate(y: Tensor) -> Tensor:
        """sigma = median |d| / 0.6745, with d the finest diagonal Haar details of y.

        d = (a − b − c + e)/2 over blocks [[a, b], [c, e]] of 2 × 2 pixels: zero on smooth parts, and N(0, sigma²)
        where there is noise alone. The median ignores the few details that edges make. Noise that resampling has
        correlated is underestimated.

        Flat places, whose details are exactly zero, are left out. Entries that are exactly zero count as not measured
        (blank borders, masked pixels, k-space that was not sampled), and no detail is taken across them. Where less
        than a quarter of the blocks is left, as under a mask of lines, second differences of three neighbours in a
        row, a column or a diagonal, (a − 2b + c)/√6, take the place of the blocks: zero on slopes.

        Measurements by a `Measurement` are zero where a mask hides them; of others, whose masked entries hold noise,
        give `A.observed()(y)`. On smooth and piecewise smooth images of 128² sigma is found within 10 %, under masks
        that keep a quarter of the pixels or more too. Texture as fine as the pixels counts as noise, and so do
        coefficients of k-space above the noise: where these are most of those sampled, the estimate is too large.

        Args:
            y: (batch, channels, height, width), at least 2 × 2. Channels are pooled, and so are the two components of
                complex images (whose sigma is that of each).

        Returns:
            (batch,), in y's units; 0 for an image without details.

        Raises:
            ValueError: y is not a batch of finite images of at least 2 × 2 pixels, or so few entries were measured
                that none has two neighbours.

        Source: Donoho & Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 81 (1994) 425–455, §4.1.
        """
        if y.ndim != 4 or min(y.shape[2:]) < 2:
            raise ValueError(
                "sigma is estimated on images (batch, channels, height, width) of at least 2 × 2 pixels, "
                f"but got {describe(tuple(y.shape))}. For other measurements: measure one object twice, and divide the "
                "standard deviation of the difference by √2."
            )
        if not bool(torch.isfinite(y).all()):
            raise ValueError("sigma is estimated on finite images, but some pixels are not (NaN or infinite).")
        if y.is_complex():
            y = torch.cat([y.real, y.imag], dim=1)
        y = y.to(torch.promote_types(y.dtype, torch.float32))
        return torch.stack([_median(_details(image).abs()) for image in y]) / MEDIAN_OF_ABSOLUTE_NORMAL


def _details(y: Tensor) -> Tensor:
    """Return details that no unmeasured entry is part of, N(0, sigma²) where there is noise alone.

    Args:
        y: (channels, height, width).

    Returns:
        (details,), without those that are exactly zero, which come from flat places.
    """
    a, b, c, e = y[:, :-1:2, :-1:2], y[:, :-1:2, 1::2], y[:, 1::2, :-1:2], y[:, 1::2, 1::2]
    blocks, measured = (a - b - c + e) / 2, (a != 0) & (b != 0) & (c != 0) & (e != 0)
    if int(measured.sum()) * 4 >= measured.numel():
        found = blocks[measured]
        return found[found != 0]
    found = torch.cat([_second_differences(turned) for turned in (y, y.mT, _sheared(y), _sheared(y.flip(-1)))])
    if not len(found) and bool((y != 0).any()):
        raise ValueError(
            "sigma is estimated from entries whose neighbours were measured too, but none of those that are not zero "
            "has two neighbours in a line. Measure one object twice, and divide the standard deviation of the "
            "difference by √2."
        )
    return found[found != 0]


def _sheared(y: Tensor) -> Tensor:
    """Return y with each row moved to the right by one more column, so that columns are diagonals.

    >>> _sheared(torch.tensor([[[1, 2], [3, 4]]])).tolist()
    [[[1, 2, 0], [0, 3, 4]]]
    """
    channels, height, width = y.shape
    longer = functional.pad(y, (0, height)).flatten(1)
    return longer[:, :-height].reshape(channels, height, width + height - 1)


def _second_differences(y: Tensor) -> Tensor:
    """Return (a − 2b + c)/√6 of entries that follow each other in a column and are not zero: (details,)."""
    a, b, c = y[:, :-2], y[:, 1:-1], y[:, 2:]
    return ((a - 2 * b + c) / math.sqrt(6))[(a != 0) & (b != 0) & (c != 0)]


def _median(values: Tensor) -> Tensor:
    """Return the median, with the mean of the two middle values of an even number; 0 where there is none."""
    ordered, count = values.sort().values, len(values)
    return ordered[[(count - 1) // 2, count // 2]].mean() if count else values.new_zeros(())
