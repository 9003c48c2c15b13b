"""EI with an adversary: moved pictures must look like pictures to a critic too."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unseen.losses.loss import Loss, Seen
from unseen.losses.precision import at_least_single
from unseen.losses.running_averages import running_averages_frozen
from unseen.physics.group import Group


class EquivariantAdversarial(Loss):
    """mean (D(T_g x̂) − 1)²,  x̂ = f(y):  a least-squares GAN whose real pictures are x̂, and whose fake ones T_g x̂.

    To be added to `MeasurementConsistency` and `Equivariance`. The critic learns by `critic_loss`, in steps of its own;
    no gradient of this loss reaches its weights.

    Args:
        group: what pictures may undergo and still be pictures.
        critic: D, from pictures (batch, channels, height, width) to scores (batch, ...), whose mean is taken; complex
            pictures come as twice the channels.
        weight: ≥ 0; 1e-8 in the paper's experiments.

    Source: Chen, Tachella & Davies, Equivariant imaging, ICCV 2021 (EI with an adversary); the criterion is that of
    Mao et al., Least squares generative adversarial networks, ICCV 2017, eq. 9.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, group: Group, critic: nn.Module, *, weight: float = 1e-8) -> None:
        super().__init__(weight=weight)
        self.group, self.critic = group, critic

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        moved = self._moved(seen.reconstruction, generator)
        fixed = {name: value.detach() for name, value in self.critic.named_parameters()}
        with running_averages_frozen(self.critic):
            scores = functional_call(self.critic, fixed, (_real_channels(moved),))
        return _mean((at_least_single(scores) - 1) ** 2)

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """½ mean (D(x̂) − 1)² + ½ mean D(T_g x̂)², which the critic's own step descends: (batch,).

        No gradient reaches f. Arguments are those of the loss.
        """
        reconstruction = seen.reconstruction.detach()
        real = at_least_single(self.critic(_real_channels(reconstruction)))
        fake = at_least_single(self.critic(_real_channels(self._moved(reconstruction, generator))))
        return (_mean((real - 1) ** 2) + _mean(fake**2)) / 2

    def _moved(self, pictures: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.group.T(pictures, self.group.sample(len(pictures), generator=generator))

    def __repr__(self) -> str:
        return f"EquivariantAdversarial({self.group}, {type(self.critic).__name__}, weight={self.weight:g})"


def _real_channels(pictures: Tensor) -> Tensor:
    """(batch, channels, height, width), or twice the channels where complex."""
    if not pictures.is_complex():
        return pictures
    return torch.view_as_real(pictures).movedim(-1, 2).flatten(1, 2)


def _mean(scores: Tensor) -> Tensor:
    return scores.reshape(len(scores), -1).mean(dim=1)
