"""Noise of photon counts: `PoissonGaussian`, counts read out by electronics, and `Poisson`, counts alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.argument_checks import number
from unseen.physics.count_noise import fit_count_noise
from unseen.physics.generator_device import generator_device
from unseen.physics.noise import Noise, check_same_shape, standard_normal
from unseen.physics.numpy_arrays import as_tensor

STEPS_OF_A_COUNT = 2**16
MANY = 2.0**62  # counts above which torch's are negative, as they do not fit 64 bits; their noise is below 5e-10
ROUNDING = 1e-5  # share of a sample's largest value: more than a single-precision Fourier transform leaves of a zero


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
        gain, sigma = number("gain", gain), number("sigma", sigma)
        if not (math.isfinite(gain) and gain > 0):
            raise ValueError(f"gain is what one count adds, finite and above 0, but got {gain:g}.")
        if not (math.isfinite(sigma) and sigma >= 0):
            raise ValueError(f"sigma is a standard deviation, finite and at least 0, but got {sigma:g}.")
        self._gain, self._sigma = gain, sigma

    @property
    def gain(self) -> float:
        """Gain: increase of y by one count."""
        return self._gain

    @property
    def sigma(self) -> float:
        """The read-out's standard deviation."""
        return self._sigma

    def __repr__(self) -> str:
        return f"PoissonGaussian(gain={self._gain:g}, sigma={self._sigma:g})"

    def sample(self, u: Tensor, *, generator: torch.Generator | None) -> Tensor:
        u = _as_counts(u)
        device = generator_device(generator)
        rate = u.detach().to(device, torch.float64) / self._gain
        rate = (rate * STEPS_OF_A_COUNT).round() / STEPS_OF_A_COUNT  # else rounding, so the unit, decides what is drawn
        counts = torch.where(rate < MANY, torch.poisson(rate.clamp(max=MANY), generator=generator), rate)
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
        u = _as_counts(u)
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
        """Return the one detector's noise that images show: how their variance grows with their level (see
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
        """Return the one detector's noise that images show: the gain that takes their levels to their variances (see
        `unseen.physics.count_noise`).

        Args:
            y: (batch, channels, height, width), all from one detector.

        Raises:
            ValueError: y is no batch of finite real images, or shows too little to tell.
        """
        return Poisson(fit_count_noise(as_tensor(y), read_out=False).gain)


def _as_counts(u: Tensor) -> Tensor:
    """Return u with negative values that are rounding set to 0, such as a Fourier transform leaves on black pixels."""
    if not (u.is_floating_point() or u.is_complex()):
        raise ValueError(f"Noise is drawn around real numbers, but u is {u.dtype}. Convert it by u.float().")
    if u.is_complex():
        raise ValueError("Counts have a mean of at least 0, but u has complex values. Give its real part or magnitude.")
    size = u.detach().abs().nan_to_num(posinf=0.0)  # beside an infinite value, a negative one is no rounding
    rounding = ROUNDING * size.amax(dim=tuple(range(1, u.ndim)), keepdim=True) if u.numel() else size
    if not bool((u >= -rounding).all()):
        raise ValueError(
            f"Counts have a mean of at least 0, but u has {float(u.min()):.3g} as the least. Clip it, or shift it to "
            "start from 0."
        )
    return u.clamp(min=0)


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
