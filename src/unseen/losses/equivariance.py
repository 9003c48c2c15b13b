"""Equivariant imaging: EI, robust EI, scale equivariance, and EI with an adversary.

Equivariance: a moved image is an image too, so f must find it again from its own measurement.

What A does not show of x̂ = f(y), it may show of T_g x̂. The images T_g x̂ come with their truth, since we made them.

Scale equivariance: an image seen smaller has the details that blur and downsampling take from the larger one.

Shifts and rotations cannot help there: a blur commutes with the one, and nearly with the other.

EI with an adversary: moved images must look like images to a critic too.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unseen.losses.loss import Loss, Seen, at_least_single, mean_square, measured_anew, running_averages_frozen
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement


class Equivariance(Loss):
    """EQ, the mean over g of ‖T_g x̂ − f(link(A T_g x̂))‖² / n,  x̂ = f(y),  over the n real components of x̂.

    With `MeasurementConsistency` it is EI. The gradient runs through x̂ in all three places. For measurements without
    noise; with it, f meets measurements here that are cleaner than those it will be given: use `RobustEquivariance`.

    Args:
        group: what images may undergo and still be images.
        transforms: how many g are drawn for each image, ≥ 1.
        weight: ≥ 0, the papers' α.

    Raises:
        ValueError: `transforms` is not a whole number of at least 1.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Flips, Mask, Measurement
        >>> process = Measurement(Mask(torch.arange(64).reshape(8, 8) % 8 < 4))
        >>> y = process(torch.ones(1, 1, 8, 8))
        >>> seen = Seen(y, process, lambda y, process: process.A.pinv(y))
        >>> Equivariance(Flips())(seen, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([1])

    Source: Chen, Tachella & Davies, Equivariant imaging: learning beyond the range space, ICCV 2021, arXiv 2103.14756.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    compares = "images"

    def __init__(self, group: Group, *, transforms: int = 1, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not isinstance(group, Group):
            raise TypeError(f"Equivariance takes a group, such as Rotations(), but got a {type(group).__name__}.")
        if int(transforms) != transforms or transforms < 1:
            raise ValueError(
                f"transforms is how many g move each image, a whole number of at least 1, but got {transforms}."
            )
        self.group, self.transforms = group, transforms

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        values = []
        for _ in range(self.transforms):
            g = self.group.sample(len(seen.y), generator=generator)
            moved = self.group.T(seen.reconstruction, g)  # (batch, *A.domain)
            found = seen.again(self._measured(seen, moved, generator))
            values.append(mean_square(at_least_single(moved) - at_least_single(found)))
        return torch.stack(values).mean(dim=0)

    def _measured(self, seen: Seen, moved: Tensor, generator: torch.Generator | None) -> Tensor:
        del generator
        return seen.process.mean(moved)

    def judge(self, process: Measurement) -> Loss:
        del process
        return RobustEquivariance(self.group, transforms=self.transforms, weight=self.weight)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.group}, transforms={self.transforms}, weight={self.weight:g})"


class RobustEquivariance(Equivariance):
    """REQ, the mean over g of ‖T_g x̂ − f(ỹ)‖² / n,  ỹ = noise(link(A T_g x̂)) newly drawn,  x̂ = f(y).

    With `Sure` it is REI. Counts are drawn around what is clipped to at least 0; their gradient is that of their mean.
    Without noise in the process it is `Equivariance`.

    Args:
        group: what images may undergo and still be images.
        transforms: how many g are drawn for each image, ≥ 1.
        weight: ≥ 0, the papers' α.

    Raises:
        ValueError: `transforms` is not a whole number of at least 1.

    Example:
        >>> from unseen.physics import Shifts
        >>> RobustEquivariance(Shifts(), transforms=2)
        RobustEquivariance(Shifts(axes=(-2, -1)), transforms=2, weight=1)

    Source: Chen, Tachella & Davies, Robust equivariant imaging: a fully unsupervised framework for learning to image
    from noisy and partial measurements, CVPR 2022, arXiv 2111.12855.
    """

    def _measured(self, seen: Seen, moved: Tensor, generator: torch.Generator | None) -> Tensor:
        return measured_anew(seen.process, moved, generator=generator)


class ScaleEquivariance(Equivariance):
    """The mean over s of ‖sg(T_s x̂) − f(ỹ)‖² / n,  ỹ = noise(link(A sg(T_s x̂))) newly drawn,  x̂ = f(y).

    T_s shrinks, and sg lets no gradient through: the shrunk image is the truth of its own measurement, and is not to
    be made easier to find again. With `Sure` (or `MeasurementConsistency`, where there is no noise) it deblurs and
    super-resolves.

    Args:
        group: None: `Scalings()`.
        transforms: how many s are drawn for each image, ≥ 1.
        weight: ≥ 0.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Gaussian, Identity, Measurement
        >>> process = Measurement(Identity((1, 16, 16)), Gaussian(0.1))
        >>> seen = Seen(torch.ones(2, 1, 16, 16), process, lambda y, process: y)
        >>> ScaleEquivariance()(seen, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2])

    Source: Scanvic, Davies, Abry & Tachella, Scale-equivariant imaging: self-supervised learning for image
    super-resolution and deblurring, arXiv 2312.11232, 2023.
    """

    def __init__(self, group: Group | None = None, *, transforms: int = 1, weight: float = 1.0) -> None:
        if group is None:
            from unseen.physics.groups.scalings import Scalings

            group = Scalings()
        super().__init__(group, transforms=transforms, weight=weight)

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        reconstruction, values = seen.reconstruction, []
        for _ in range(self.transforms):
            s = self.group.sample(len(seen.y), generator=generator)
            with torch.no_grad():
                shrunk = self.group.T(reconstruction, s)  # (batch, *A.domain)
                y = measured_anew(seen.process, shrunk, generator=generator)
            values.append(mean_square(at_least_single(shrunk) - at_least_single(seen.again(y))))
        return torch.stack(values).mean(dim=0)

    def judge(self, process: Measurement) -> Loss:
        del process
        return self


class EquivariantAdversarial(Loss):
    """mean (D(T_g x̂) − 1)²,  x̂ = f(y):  a least-squares GAN whose real images are x̂, and whose fake ones T_g x̂.

    To be added to `MeasurementConsistency` and `Equivariance`. The critic learns by `critic_loss`, in steps of its own;
    no gradient of this loss reaches its weights.

    Args:
        group: what images may undergo and still be images.
        critic: D, from images (batch, channels, height, width) to scores (batch, ...), whose mean is taken; complex
            images come as twice the channels. It sees images in the reconstructor's own scale.
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
    """As the reconstructor's."""

    def __init__(self, group: Group, critic: nn.Module, *, weight: float = 1e-8) -> None:
        super().__init__(weight=weight)
        self.group, self.critic = group, critic

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        moved = self._moved(seen.reconstruction / seen.units.image, generator)
        fixed = {name: value.detach() for name, value in self.critic.named_parameters()}
        with running_averages_frozen(self.critic):
            scores = functional_call(self.critic, fixed, (_real_channels(moved),))
        return _mean((at_least_single(scores) - 1) ** 2)

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """½ mean (D(x̂) − 1)² + ½ mean D(T_g x̂)², which the critic's own step descends: (batch,).

        No gradient reaches f. Arguments are those of the loss.
        """
        reconstruction = seen.reconstruction.detach() / seen.units.image
        real = at_least_single(self.critic(_real_channels(reconstruction)))
        fake = at_least_single(self.critic(_real_channels(self._moved(reconstruction, generator))))
        return (_mean((real - 1) ** 2) + _mean(fake**2)) / 2

    def judge(self, process: Measurement) -> None:
        """A critic's scores are no risk."""

    def _moved(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.group.T(images, self.group.sample(len(images), generator=generator))

    def __repr__(self) -> str:
        return f"EquivariantAdversarial({self.group}, {type(self.critic).__name__}, weight={self.weight:g})"


def _real_channels(images: Tensor) -> Tensor:
    """(batch, channels, height, width), or twice the channels where complex."""
    if not images.is_complex():
        return images
    return torch.view_as_real(images).movedim(-1, 2).flatten(1, 2)


def _mean(scores: Tensor) -> Tensor:
    return scores.reshape(len(scores), -1).mean(dim=1)
