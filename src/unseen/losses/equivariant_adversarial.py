"""Equivariant imaging with an adversary: moved images must look like images to a critic, too."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unseen.losses.loss import Loss, Seen
from unseen.losses.network_outputs import mean_of_each
from unseen.losses.running_averages import running_averages_frozen
from unseen.losses.sums import at_least_single
from unseen.physics.group import Group, check_is_group
from unseen.physics.measurement import Measurement


class EquivariantAdversarial(Loss):
    """mean (D(T_g x̂) − 1)²,  x̂ = f(y):  a least-squares GAN whose real images are x̂, and whose fake ones T_g x̂.

    To be added to `MeasurementConsistency` and `Equivariance`. The critic learns by `critic_loss`, in steps of its own;
    no gradient of this loss reaches its weights.

    Args:
        group: what images may undergo and still be images.
        critic: D, from images (batch, channels, height, width) to scores (batch, ...), whose mean is taken; complex
            images come as twice the channels. It sees images in the reconstructor's own scale. It is trained in place:
            a training begins with the weights that it has, so give another one for each training.
        weight: ≥ 0; 1e-8 in the paper's experiments.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Flips, Identity, Measurement
        >>> critic = torch.nn.Conv2d(1, 1, 3)
        >>> seen = Seen(torch.ones(2, 1, 8, 8), Measurement(Identity((1, 8, 8))), lambda y, process: y)
        >>> EquivariantAdversarial(Flips(), critic)(seen, generator=None).shape
        torch.Size([2])

    Source: Chen, Tachella & Davies, Equivariant imaging, ICCV 2021 (EI with an adversary); the criterion is that of
    Mao et al., Least squares generative adversarial networks, ICCV 2017, eq. 9, arXiv 1611.04076.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    compares = "scores"
    critic_rate: ClassVar[float | None] = None
    """None: the reconstructor's rate."""

    def __init__(self, group: Group, critic: nn.Module, *, weight: float = 1e-8) -> None:
        super().__init__(weight=weight)
        check_is_group(group, type(self).__name__)
        self.group, self.critic = group, critic

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        moved = self._moved(seen.reconstruction / seen.units.image, generator)
        fixed = {name: value.detach() for name, value in self.critic.named_parameters()}
        with running_averages_frozen(self.critic):
            scores = functional_call(self.critic, fixed, (_real_channels(moved),))
        return mean_of_each((at_least_single(scores) - 1) ** 2)

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """½ mean (D(x̂) − 1)² + ½ mean D(T_g x̂)², which the critic's own step descends: (batch,).

        No gradient reaches f. Arguments are those of the loss.
        """
        reconstruction = seen.reconstruction.detach() / seen.units.image
        real = at_least_single(self.critic(_real_channels(reconstruction)))
        fake = at_least_single(self.critic(_real_channels(self._moved(reconstruction, generator))))
        return (mean_of_each((real - 1) ** 2) + mean_of_each(fake**2)) / 2

    def judge(self, process: Measurement) -> None:
        """Return None: a critic's scores are no risk."""

    def _moved(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.group.T(images, self.group.sample(len(images), generator=generator))

    def __repr__(self) -> str:
        return f"EquivariantAdversarial({self.group}, {type(self.critic).__name__}, weight={self.weight:g})"


def _real_channels(images: Tensor) -> Tensor:
    """(batch, channels, height, width), or twice the channels where complex."""
    if not images.is_complex():
        return images
    return torch.view_as_real(images).movedim(-1, 2).flatten(1, 2)
