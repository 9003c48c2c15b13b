"""UNSURE: learning from noisy measurements whose noise level nobody knows.

SURE takes off what a network gains by copying the noise, 2 sigma² div h, and so must be given sigma. UNSURE asks for
networks that gain nothing: E div h(y) = 0. The multiplier of that constraint takes sigma²'s place, and is found by
gradient ascent while the network descends.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from unseen.losses.loss import Loss, Seen, observed, observed_count
from unseen.losses.sums import squares
from unseen.losses.sure_gaussian import check_request, passes_apart, rounded_away, total
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement


class Unsure(Loss):
    """max over s of  E‖y − h(y)‖² / m + 2 s² E div h(y) / m,   h = link∘A∘f, on the m observed real components.

    In the place of `Sure` where Gaussian noise of the same unknown sigma is in every entry. A process without noise
    stands for it: `Measurement(A)`; a `Gaussian` is taken too, and its sigma is not read. The level s rises while the
    divergence is positive, and falls while it is negative: `learn` takes a step of Adam on it after each of the
    network's steps.

    What it costs: the best network of zero divergence does not reach the error of one that knows sigma. The less an
    entry can be foretold from the others, the more it loses; where images are Gaussian noise themselves, it returns
    their mean. In theory `sigma` is too large for the same reason. Nothing unbiased judges this loss, as its level
    moves, so `learn` holds nothing out and returns the last epoch's weights, whose network may have learnt noise by
    heart. So take some hundred steps, until `sigma` no longer rises, and then learn with `Sure` and
    `Gaussian(loss.sigma)`, which measurements held out can stop.

    Args:
        start: the level that the search starts from, > 0, as a share of what white noise of the size of f's first
            images adds to a measurement. Better too low than too high: it rises by 1 % a step, and falls slowly.
        tau: the finite difference's step in y's units, > 0; None: s / 2, or what the network's precision rounds.
        weight: ≥ 0.

    Raises:
        ValueError: start or tau is not above 0.
        TypeError (when called): the noise is not Gaussian: counts have a gain of their own.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Identity, Measurement
        >>> y = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> halving = Seen(y, Measurement(Identity((1, 64, 64))), lambda y, process: y / 2)
        >>> loss = Unsure(start=1.0)  # 1/4 of y's variance, and 2 · 1² · 1/2
        >>> round(loss(halving, generator=torch.Generator().manual_seed(1)).item(), 1), loss.sigma
        (1.3, 1.0)

    Source: Tachella, Davies & Jacques, UNSURE: self-supervised learning with unknown noise level and Stein's unbiased
    risk estimate, ICLR 2025, arXiv 2409.01985, section 3 (isotropic noise). The level is kept positive by its
    logarithm, and its step is Adam's.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    critic_rate: ClassVar[float | None] = 0.01
    """Adam's, for the level's logarithm: 1 % a step, whatever the reconstructor's rate."""

    def __init__(self, start: float = 0.1, *, tau: float | None = None, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not (math.isfinite(start) and start > 0):
            raise ValueError(f"start is a level above 0, but got {start}.")
        if tau is not None and not 0 < tau < math.inf:
            raise ValueError(f"tau is a step above 0 and finite, but got {tau}.")
        self.start, self.tau = float(start), tau
        self.critic: nn.Module = Level(start)

    @property
    def sigma(self) -> float:
        """The level s in y's units, as learnt so far in this training or the last one: an estimate of the noise's
        sigma, from above."""
        return float(self._level())

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        process, y = seen.process, seen.y
        self.critic.get_buffer("unit").fill_(seen.units.measurement)
        prediction = observed(process, seen.remeasured)
        divergence = self._divergence(seen, prediction, generator)
        m = observed_count(process, y).clamp(min=1).to(divergence)
        return (squares(prediction - observed(process, y)) + 2 * self._level().to(m) ** 2 * divergence) / m

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """−2 s² div h(y) / m, in the reconstructor's own scale, which the level's own step descends: (batch,).

        By two passes of their own, as the network has moved on. No gradient reaches f.
        """
        with torch.no_grad():
            prediction = observed(seen.process, seen.process.mean(seen.again(seen.y)))
            divergence = self._divergence(seen, prediction, generator)
            m = observed_count(seen.process, seen.y).clamp(min=1).to(divergence)
        level: Tensor = self.critic()
        return -2 * level.to(m) ** 2 * (divergence / m)

    def begin(self) -> None:
        """Set the level to `start` again, so that a training does not depend on an earlier one with this loss."""
        self.critic = Level(self.start)

    def judge(self, process: Measurement) -> None:
        """Return None: the level moves from epoch to epoch, so values of two epochs do not compare."""

    def _level(self) -> Tensor:
        level: Tensor = self.critic().detach() * self.critic.get_buffer("unit")
        return level

    def _divergence(self, seen: Seen, prediction: Tensor, generator: torch.Generator | None) -> Tensor:
        """div h(y), estimated with one probe: (batch,)."""
        process, y, target = seen.process, seen.y, seen.process.A.observed()
        if process.noise is not None and not isinstance(process.noise, Gaussian):
            raise TypeError(f"Unsure is for Gaussian noise, but the process has {type(process.noise).__name__}.")
        check_request(y, target, 1.0 if self.tau is None else self.tau)
        tau = rounded_away(y, target)
        tau = torch.maximum(tau, self._level().to(tau) / 2) if self.tau is None else torch.full_like(tau, self.tau)

        def again(other: Tensor) -> Tensor:
            return observed(process, process.mean(seen.again(other)))

        _, direction, change = passes_apart(again, y, target, tau, generator=generator, prediction=prediction)
        return total(direction * change) / tau

    def __repr__(self) -> str:
        return f"Unsure(start={self.start:g}, tau={self.tau}, weight={self.weight:g})"


class Level(nn.Module):
    """s: a positive number, in units of `unit`."""

    unit: Tensor  # (), float64

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.log = nn.Parameter(torch.zeros(()))
        self.register_buffer("unit", torch.ones((), dtype=torch.float64))

    def forward(self) -> Tensor:
        """(), counted in `unit`."""
        return self.start * torch.exp(self.log)
