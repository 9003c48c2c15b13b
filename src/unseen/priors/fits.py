"""Data fits: what it costs that A x is not y, one value per sample, differentiable in A x.

Written on the measurements' own scale. Where no scale of the noise is given, the cost is reckoned as if ‖A‖ were 1
(both A x and y divided by `norm`), so that one weight of a regulariser serves operators of every size.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from unseen.losses.sums import squares
from unseen.physics.tensor_products import describe


class Fit(ABC):
    """The law: one value per sample, at least 0, 0 where u = y; sample i's depends on sample i alone; differentiable in
    u almost everywhere.

    Fits add, `L1() + 0.1 * Features(module)`.

    Example:
        >>> (L1() + 0.5 * Squares())(torch.ones(1, 4), torch.zeros(1, 4)).item()
        5.0
    """

    @abstractmethod
    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        """Return the cost: (batch,), at least in single precision.

        Args:
            u: (batch, ...), A x.
            y: of u's shape, what was measured.
            norm: ‖A‖ > 0, the scale of u where the noise's is not known.
        """

    def __add__(self, other: Fit) -> Fit:
        return FitSum(self, other)

    def __rmul__(self, factor: float) -> Fit:
        return Times(factor, self)


class Squares(Fit):
    """‖u − y‖² / (2σ²): minus the log-likelihood of Gaussian noise.

    Args:
        sigma: σ > 0, the noise's standard deviation (per real component) in y's units, and then a weight λ counts nats
            whatever the size of A; None: σ = norm, hence ‖u/norm − y/norm‖² / 2.

    Raises:
        ValueError: sigma is not finite, or not above 0.

    Example:
        >>> u, y = torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0]])
        >>> Squares(0.5)(u, y).item(), Squares()(u, y).item(), Squares()(u, y, norm=2.0).item()
        (8.0, 2.0, 0.5)
    """

    def __init__(self, sigma: float | None = None) -> None:
        self.sigma = None if sigma is None else _positive("sigma", sigma)

    def variance(self, norm: float) -> float:
        """σ², for an operator of this norm."""
        return (norm if self.sigma is None else self.sigma) ** 2

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        _check(u, y)
        return squares(u - y) / (2 * self.variance(norm))

    def __repr__(self) -> str:
        return f"Squares({'' if self.sigma is None else self.sigma})"


class L1(Fit):
    """Σ |u − y| / b, moduli where complex: minus the log-likelihood of Laplace noise; outliers count for less.

    Args:
        scale: b > 0, the Laplace law's scale in y's units; None: b = norm.

    Raises:
        ValueError: scale is not finite, or not above 0.

    Example:
        >>> L1()(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 1.0]])).item()
        3.0
    """

    def __init__(self, scale: float | None = None) -> None:
        self.scale = None if scale is None else _positive("scale", scale)

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        _check(u, y)
        apart = (u - y).abs()
        apart = apart.to(torch.promote_types(apart.dtype, torch.float32))
        return apart.flatten(1).sum(1) / (norm if self.scale is None else self.scale)

    def __repr__(self) -> str:
        return f"L1({'' if self.scale is None else self.scale})"


class KullbackLeibler(Fit):
    """Σ [u + b − y + y log(y / (u + b))] / γ: minus the log-likelihood of Poisson noise, less its value at u + b = y.

    y = γ z with z ~ Poisson((u + b) / γ). Where u + b ≤ 0 and y > 0 it is infinite.

    Args:
        gain: γ > 0, what one count adds to y, in y's units.
        background: b ≥ 0, counts that do not come from the image (dark current, scatter), in y's units.

    Raises:
        ValueError: gain is not finite or not above 0, or background not finite or below 0.

    Example:
        >>> u, y = torch.tensor([[2.0, 1.0]]), torch.tensor([[2.0, 0.0]])
        >>> KullbackLeibler()(u, y).item(), KullbackLeibler(0.5)(u, y).item()
        (1.0, 2.0)
    """

    def __init__(self, gain: float = 1.0, *, background: float = 0.0) -> None:
        if not (math.isfinite(background) and background >= 0):
            raise ValueError(f"background is a finite number of at least 0, in the units of y, but got {background}.")
        self.gain, self.background = _positive("gain", gain), float(background)

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        _check(u, y)
        mean = (u + self.background).to(torch.promote_types(u.dtype, torch.float32))
        cost = mean - y + torch.xlogy(y, y) - torch.xlogy(y, mean.clamp(min=0))
        return torch.where(mean < 0, torch.inf, cost).flatten(1).sum(1) / self.gain

    def __repr__(self) -> str:
        return f"KullbackLeibler({self.gain:g}{f', background={self.background:g}' if self.background else ''})"


class Transmission(Fit):
    """Σ [I0 exp(−u) − y + y log(y / (I0 exp(−u)))] / γ: minus the log-likelihood of transmitted counts, less its least.

    y = γ z with z ~ Poisson(I0 exp(−u) / γ), u = A x the line integrals: Beer–Lambert's law with Poisson noise, as in
    low-dose CT. It is convex in u, and its derivative is (y − I0 exp(−u)) / γ.

    Args:
        I0: counts without an object, > 0, in y's units.
        gain: γ > 0, what one count adds to y, in y's units.

    Raises:
        ValueError: I0 or gain is not finite or not above 0.

    Example:
        >>> u, y = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 2.0]])
        >>> Transmission(2.0)(u, y).item(), Transmission(2.0, 0.5)(u, y).item()
        (2.0, 4.0)

    Source: Lange & Carson, EM reconstruction algorithms for emission and transmission tomography, J. Computer Assisted
    Tomography 8 (1984) 306–316.
    """

    def __init__(self, I0: float, gain: float = 1.0) -> None:
        self.I0, self.gain = _positive("I0", I0), _positive("gain", gain)

    def line_integrals(self, y: Tensor) -> Tensor:
        """Return the u that alone fits best, log(I0 / y), with a count of at least half of γ: y's shape."""
        return math.log(self.I0) - y.clamp(min=self.gain / 2).log()

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        _check(u, y)
        log_mean = math.log(self.I0) - u.to(torch.promote_types(u.dtype, torch.float32))
        apart = log_mean - y.clamp(min=torch.finfo(log_mean.dtype).tiny).log()
        cost = torch.where(y > 0, y * (torch.expm1(apart.where(y > 0, 0)) - apart), log_mean.exp())
        return cost.flatten(1).sum(1) / self.gain

    def __repr__(self) -> str:
        return f"Transmission({self.I0:g}{f', {self.gain:g}' if self.gain != 1 else ''})"


CountFit = KullbackLeibler | Transmission
"""Fits of Poisson counts that the convex priors minimise."""


class Features(Fit):
    """‖h(u) − h(y)‖² / 2, or another fit, in the features h of a network, such as a discriminator's.

    Args:
        module: h, (batch, ...) → (batch, ...), differentiable, each sample by itself: in eval mode. Its first result
            counts where it gives several, as `Discriminator` does.
        by: the fit of h(u) to h(y), on the features' own scale; None: `Squares(1)`.

    Example:
        >>> Features(nn.Flatten())(torch.full((1, 1, 2, 2), 3.0), torch.full((1, 1, 2, 2), 1.0)).item()
        8.0
    """

    def __init__(self, module: Callable[[Tensor], Tensor | tuple[Tensor, ...]], *, by: Fit | None = None) -> None:
        self.module, self.by = module, by or Squares(1.0)

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        _check(u, y)
        check_eval("h", self.module)
        with torch.no_grad():
            seen = self._features(y)
        return self.by(self._features(u), seen)

    def _features(self, u: Tensor) -> Tensor:
        found = self.module(u)
        return found if isinstance(found, Tensor) else found[0]

    def __repr__(self) -> str:
        return f"Features({type(self.module).__name__}, by={self.by})"


class FitSum(Fit):
    """One fit and another."""

    def __init__(self, first: Fit, second: Fit) -> None:
        self.first, self.second = first, second

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        return self.first(u, y, norm=norm) + self.second(u, y, norm=norm)

    def __repr__(self) -> str:
        return f"{self.first} + {self.second}"


class Times(Fit):
    """A fit that counts `factor` ≥ 0 times."""

    def __init__(self, factor: float, fit: Fit) -> None:
        if not (math.isfinite(factor) and factor >= 0):
            raise ValueError(f"A fit is multiplied by a finite number of at least 0, but got {factor}.")
        self.factor, self.fit = float(factor), fit

    def __call__(self, u: Tensor, y: Tensor, *, norm: float = 1.0) -> Tensor:
        return self.factor * self.fit(u, y, norm=norm)

    def __repr__(self) -> str:
        return f"{self.factor:g} * {self.fit}"


def check_eval(name: str, module: object) -> None:
    """Raise ValueError where a network's layers would mix batch mates or draw at random."""
    if not isinstance(module, nn.Module):
        return
    mixing = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    layer = next((part for part in module.modules() if isinstance(part, mixing) and part.training), None)
    if layer is not None:
        raise ValueError(
            f"{name} is in training mode, in which its {type(layer).__name__} makes one image depend on others or on "
            f"chance. Call {name}.eval() first."
        )


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is a finite number above 0, in the units of y, but got {value}.")
    return float(value)


def _check(u: Tensor, y: Tensor) -> None:
    if u.shape != y.shape:
        raise ValueError(
            f"A x and y have one shape, but are {describe(tuple(u.shape))} and {describe(tuple(y.shape))}."
        )
