"""Two independent, noisier measurements from one: f gets the first, the second is the target."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, observed, observed_count
from unseen.physics.argument_checks import number
from unseen.physics.noise import Noise
from unseen.physics.operator import Mask

SHARE = 0.1


def check_share(share: float) -> None:
    """Raise ValueError unless 0 < share < 1."""
    if not 0 < number("share", share) < 1:
        raise ValueError(f"share is between 0 and 1, but got {share}.")


class IndependentPair(Loss):
    """The risk of link(A f(y₁)), / m, judged by y₂. f is given y₁ and a process of y₁'s noise.

    A subclass defines the noise of y₁ in `_noisier`, and the splitting of y and the risk in `_risk`.

    Args:
        share: of y that judges, in (0, 1).
        weight: ≥ 0.

    Raises:
        ValueError: the share is not between 0 and 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, share: float = SHARE, *, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        check_share(share)
        self.share = share

    @abstractmethod
    def _noisier(self, noise: Noise | None) -> Noise:
        """Return the noise of y₁. Raises TypeError for a noise that cannot be taken apart."""

    @abstractmethod
    def _risk(
        self, h: Callable[[Tensor], Tensor], seen: Seen, target: Mask | None, *, generator: torch.Generator | None
    ) -> Tensor:
        """Return the sum over each sample's observed entries: (batch,)."""

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        noisier = replace(seen.process, noise=self._noisier(seen.process.noise))

        def h(y: Tensor) -> Tensor:
            return observed(noisier, noisier.mean(seen.instead(y, noisier)))

        total = self._risk(h, seen, seen.process.A.observed(), generator=generator)
        return total / observed_count(seen.process, seen.y).clamp(min=1).to(total)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(share={self.share:g}, weight={self.weight:g})"
