"""Equivariance (EI): f must reconstruct a moved image from the measurement of that image.

A may show details of T_g x̂ that it does not show of x̂ = f(y). The images T_g x̂ come with their truth, since they
are computed.

Robust equivariance (REI) draws new noise on the moved image's measurement. As a validation loss, both are the same.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, measured_anew
from unseen.losses.sums import at_least_single, mean_square
from unseen.physics.argument_checks import is_count
from unseen.physics.group import Group, check_is_group
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
    compares: ClassVar[Literal["measurements", "images", "scores"]] = "images"

    def __init__(self, group: Group, *, transforms: int = 1, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        check_is_group(group, type(self).__name__)
        if not is_count(transforms):
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
