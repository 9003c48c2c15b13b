"""Noise: the base class, Gaussian, Poisson, and Poisson with Gaussian noise.

What chance adds to a measurement, and the law that every noise keeps.

1. unbiased:     E[sample(u)] = u, per entry
2. independent:  entries are drawn independently, given u
3. likelihood:   log_likelihood(y, u) is the log density (for lattice-valued y: log probability) of y, summed over a
sample's entries
4. generator:    the same generator state gives the same bytes, on whatever device u lies

The contract tests check the law for every noise in `unseen.physics.NOISES`.

Gaussian noise, and how much of it an image shows.

Photon counts read out by electronics: Poisson noise with a gain, and Gaussian noise on top.

Photon counts alone: Poisson noise with a gain.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from unseen.physics.algebra import Recorded, arrays_too, as_tensor, describe
from unseen.physics.count_noise import fit_count_noise


class Noise(Recorded, ABC):
    """Noise around a noise-free measurement u.

    Example:
        >>> noise = Gaussian(0.1)
        >>> noise.sample(torch.zeros(2, 1, 8, 8), generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2, 1, 8, 8])
        >>> round(noise.variance(torch.zeros(1)).item(), 4)
        0.01
    """

    @abstractmethod
    def sample(self, u: Tensor, *, generator: torch.Generator | None) -> Tensor:
        """Draw y around u.

        Args:
            u: (batch, ...), the noise-free measurement.
            generator: where the randomness comes from; None: torch's global generator.

        Returns:
            y, of u's shape, dtype and device.
        """

    @abstractmethod
    def log_likelihood(self, y: Tensor, u: Tensor) -> Tensor:
        """log p(y | u), summed over each sample's entries.

        Args:
            y: (batch, ...), what was measured.
            u: of y's shape, the noise-free measurement.

        Returns:
            (batch,), in nats.
        """

    @abstractmethod
    def variance(self, u: Tensor) -> Tensor:
        """Var[y | u] per entry (per real component where u is complex), of u's shape."""


def standard_normal(like: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """b ~ N(0, I), of like's shape, dtype and device; N(0, 1) in each of the two components where `like` is complex.

    Drawn on the generator's device and then moved, so that a seed gives the same numbers on every device; at least in
    single precision.

    Example:
        >>> import torch
        >>> a = standard_normal(torch.zeros(4), generator=torch.Generator().manual_seed(1))
        >>> b = standard_normal(torch.zeros(4), generator=torch.Generator().manual_seed(1))
        >>> torch.equal(a, b)
        True
    """
    if like.is_complex():
        return torch.view_as_complex(standard_normal(torch.view_as_real(like), generator=generator))
    device = generator.device if generator is not None else torch.device("cpu")
    dtype = torch.promote_types(like.dtype, torch.float32)
    return torch.randn(like.shape, generator=generator, dtype=dtype, device=device).to(like)


def per_sample(value: Tensor, like: Tensor, name: str) -> Tensor:
    """A number, or one for each sample, in a shape that multiplies `like`.

    Args:
        value: () or (batch,) or (batch, 1, ...).
        like: (batch, ...).
        name: what it is called in the error.

    Returns:
        () or (batch, 1, ...), in like's real dtype (at least single precision) and on its device.

    Raises:
        ValueError: neither one number nor one for each sample.
    """
    dtype = torch.promote_types(like.real.dtype if like.is_complex() else like.dtype, torch.float32)
    if value.numel() == 1:
        return value.reshape(()).to(like.device, dtype)
    if value.numel() != len(like) or len(value) != len(like):
        raise ValueError(
            f"{name} is one number or one for each sample, but got {describe(tuple(value.shape))} "
            f"for a batch of {describe(tuple(like.shape))}."
        )
    return value.reshape(-1, *(1,) * (like.ndim - 1)).to(like.device, dtype)


def check_same_shape(y: Tensor, u: Tensor) -> None:
    """Raises ValueError unless y and u have one shape."""
    if y.shape != u.shape:
        raise ValueError(f"y and u have one shape, but got {describe(tuple(y.shape))} and {describe(tuple(u.shape))}.")


MEDIAN_OF_ABSOLUTE_NORMAL = 0.6744897501960817  # the standard normal's quantile at 3/4


class Gaussian(Noise):
    """y = u + sigma · n,  n ~ N(0, I).

    Args:
        sigma: standard deviation in u's units, ≥ 0: one number, or (batch,) one for each sample. Complex u: per real
            component.

    Raises:
        ValueError: sigma is negative, not finite, or neither a number nor one for each sample.

    Example:
        >>> import torch
        >>> noise = Gaussian(0.1)
        >>> y = noise.sample(torch.zeros(2, 1, 64, 64), generator=torch.Generator().manual_seed(0))
        >>> [round(s, 2) for s in noise.estimate(y).tolist()]
        [0.1, 0.1]
    """

    def __init__(self, sigma: float | Tensor) -> None:
        value = torch.as_tensor(sigma, dtype=torch.float64).detach().clone()
        if value.ndim > 1 and value.numel() != len(value):
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
        where there is noise alone. The median ignores the few details that edges make. Details that are exactly zero
        are left out, for they come from blank borders and masked-out pixels, which carry no noise. Noise that
        resampling has correlated is underestimated.

        Args:
            y: (batch, channels, height, width), at least 2 × 2. Channels are pooled, and so are the two components of
                complex images (whose sigma is that of each).

        Returns:
            (batch,), in y's units; 0 for an image without details.

        Raises:
            ValueError: y is not a batch of finite images of at least 2 × 2 pixels.

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
        y = y[..., : y.shape[2] // 2 * 2, : y.shape[3] // 2 * 2]
        details = (y[..., ::2, ::2] - y[..., ::2, 1::2] - y[..., 1::2, ::2] + y[..., 1::2, 1::2]) / 2
        magnitudes = details.flatten(1).abs()  # (batch, channels · height/2 · width/2)
        blank = magnitudes == 0
        ordered = torch.where(blank, torch.inf, magnitudes).sort(dim=1).values
        count = (~blank).sum(dim=1, keepdim=True)
        middle = torch.cat([(count - 1) // 2, count // 2], dim=1).clamp(min=0, max=ordered.shape[1] - 1)
        median = ordered.gather(1, middle).mean(dim=1)  # (batch,)
        return torch.where(count.flatten() > 0, median, 0.0) / MEDIAN_OF_ABSOLUTE_NORMAL


STEPS_OF_A_COUNT = 2**16


class PoissonGaussian(Noise):
    """y = gain · z + n,  z ~ Poisson(u / gain),  n ~ N(0, sigma²);  so E y = u and Var y = gain · u + sigma².

    Args:
        gain: > 0, what one count adds to y, in u's units.
        sigma: ≥ 0, standard deviation of the read-out, in u's units. 0: Poisson noise alone, y on the lattice of
            multiples of the gain.

    Raises:
        ValueError: gain is not a finite number above 0, or sigma not one of at least 0.

    Example:
        >>> import torch
        >>> noise = PoissonGaussian(gain=1.0, sigma=30.0)
        >>> noise.variance(torch.tensor([100.0])).item()
        1000.0
    """

    def __init__(self, gain: float, sigma: float = 0.0) -> None:
        if not (math.isfinite(gain) and gain > 0):
            raise ValueError(f"gain is what one count adds, finite and above 0, but got {gain}.")
        if not (math.isfinite(sigma) and sigma >= 0):
            raise ValueError(f"sigma is a standard deviation, finite and at least 0, but got {sigma}.")
        self._gain, self._sigma = float(gain), float(sigma)

    @property
    def gain(self) -> float:
        """What one count adds to y."""
        return self._gain

    @property
    def sigma(self) -> float:
        """The read-out's standard deviation."""
        return self._sigma

    def __repr__(self) -> str:
        return f"PoissonGaussian(gain={self._gain:g}, sigma={self._sigma:g})"

    def sample(self, u: Tensor, *, generator: torch.Generator | None) -> Tensor:
        _check_counts(u)
        device = generator.device if generator is not None else torch.device("cpu")
        rate = u.detach().to(device, torch.float64) / self._gain
        rate = (rate * STEPS_OF_A_COUNT).round() / STEPS_OF_A_COUNT  # else rounding, so the unit, decides what is drawn
        counts = torch.poisson(rate, generator=generator)
        y = self._gain * counts
        if self._sigma > 0:
            y = y + self._sigma * standard_normal(y, generator=generator)
        return y.to(u)

    def log_likelihood(self, y: Tensor, u: Tensor) -> Tensor:
        """log p(y | u), per sample. With sigma > 0 the sum over counts z is taken in logarithms, ten standard
        deviations around its largest term.

        With sigma = 0 a y off the lattice of multiples of the gain (beyond rounding) has log probability −∞.
        """
        check_same_shape(y, u)
        _check_counts(u)
        observed, rate = y.double() / self._gain, u.double() / self._gain  # in counts
        if self._sigma == 0:
            nearest = observed.round()
            possible = (nearest >= 0) & ((observed - nearest).abs() <= 1e-4 * nearest.clamp(min=1))
            terms = torch.where(possible, _log_poisson(nearest.clamp(min=0), rate), -torch.inf)
        else:
            terms = _log_mixture(observed, rate, self._sigma / self._gain) - math.log(self._gain)
        return terms.flatten(1).sum(dim=1)

    def variance(self, u: Tensor) -> Tensor:
        return self._gain * u + self._sigma**2

    @staticmethod
    def estimate(y: Tensor) -> PoissonGaussian:
        """The one detector's noise that images show: how their variance grows with their level (see
        `unseen.physics.count_noise`).

        Args:
            y: (batch, channels, height, width), all from one detector; not filtered, resampled or clipped.

        Raises:
            ValueError: y is no batch of finite real images, or shows too little to tell counts from read-out.

        Example:
            >>> import torch
            >>> u = torch.linspace(0, 1, 128).expand(4, 1, 128, 128)
            >>> y = PoissonGaussian(0.01, 0.02).sample(u, generator=torch.Generator().manual_seed(0))
            >>> found = PoissonGaussian.estimate(y)
            >>> round(found.gain, 3), round(found.sigma, 2)
            (0.01, 0.02)
        """
        found = fit_count_noise(as_tensor(y), read_out=True)
        return PoissonGaussian(found.gain, found.sigma)


def _check_counts(u: Tensor) -> None:
    if not (u.is_floating_point() or u.is_complex()):
        raise ValueError(f"Noise is drawn around real numbers, but u is {u.dtype}. Convert it by u.float().")
    if u.is_complex() or not bool((u >= 0).all()):
        least = "complex values" if u.is_complex() else f"{float(u.min()):.3g} as the least"
        raise ValueError(f"Counts have a mean of at least 0, but u has {least}. Clip it, or shift it to start from 0.")


def _log_poisson(count: Tensor, rate: Tensor) -> Tensor:
    return torch.xlogy(count, rate) - rate - torch.lgamma(count + 1)


def _log_mixture(observed: Tensor, rate: Tensor, sigma: float) -> Tensor:
    """log Σ_z Poisson(z; rate) N(observed; z, sigma²), entrywise; the terms are log-concave in z."""
    low = torch.minimum(observed, rate).clamp(min=0)
    high = torch.maximum(observed, rate).clamp(min=0)
    for _ in range(60):  # bisection: a log term's derivative, log(rate/z) + (observed − z)/sigma², falls with z
        middle = (low + high) / 2
        rising = torch.log(rate / middle.clamp(min=1e-12)) + (observed - middle) / sigma**2 > 0
        low, high = torch.where(rising, middle, low), torch.where(rising, high, middle)
    peak = low.round()
    spread = (1 / (1 / peak.clamp(min=1) + 1 / sigma**2)).sqrt()
    reach = math.ceil(10 * float(spread.max())) + 2 if spread.numel() else 0
    total = torch.full_like(observed, -torch.inf)
    for offset in range(-reach, reach + 1):
        count = peak + offset
        term = _log_poisson(count.clamp(min=0), rate) - (observed - count) ** 2 / (2 * sigma**2)
        total = torch.logaddexp(total, torch.where(count >= 0, term, -torch.inf))
    return total - math.log(sigma) - 0.5 * math.log(2 * math.pi)


class Poisson(PoissonGaussian):
    """y = gain · z,  z ~ Poisson(u / gain);  so E y = u and Var y = gain · u. It is `PoissonGaussian` with sigma = 0.

    Args:
        gain: > 0, what one count adds to y, in u's units; y lies on the lattice of its multiples.

    Raises:
        ValueError: gain is not a finite number above 0.

    Example:
        >>> import torch
        >>> Poisson(0.5).variance(torch.tensor([3.0])).item()
        1.5
    """

    def __init__(self, gain: float) -> None:
        super().__init__(gain)

    def __repr__(self) -> str:
        return f"Poisson(gain={self.gain:g})"

    @staticmethod
    def estimate(y: Tensor) -> Poisson:
        """The one detector's noise that images show: the gain that takes their levels to their variances (see
        `unseen.physics.count_noise`).

        Args:
            y: (batch, channels, height, width), all from one detector.

        Raises:
            ValueError: y is no batch of finite real images, or shows too little to tell.
        """
        return Poisson(fit_count_noise(as_tensor(y), read_out=False).gain)
