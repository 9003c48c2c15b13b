"""Equivariance: a moved picture is a picture too, so f must find it again from its own measurement.

What A does not show of x̂ = f(y), it may show of T_g x̂. The pictures T_g x̂ come with their truth, since we made them.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, mean_square, measured_anew
from unseen.losses.precision import at_least_single
from unseen.physics.group import Group


class Equivariance(Loss):
    """EQ, the mean over g of ‖T_g x̂ − f(link(A T_g x̂))‖² / n,  x̂ = f(y),  over the n real components of x̂.

    With `MeasurementConsistency` it is EI. The gradient runs through x̂ in all three places. For measurements without
    noise; with it, f meets measurements here that are cleaner than those it will be given: use `RobustEquivariance`.

    Args:
        group: what pictures may undergo and still be pictures.
        transforms: how many g are drawn for each picture, ≥ 1.
        weight: ≥ 0, the papers' α.

    Raises:
        ValueError: `transforms` is not a whole number of at least 1.

    Source: Chen, Tachella & Davies, Equivariant imaging: learning beyond the range space, ICCV 2021.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, group: Group, *, transforms: int = 1, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not isinstance(group, Group):
            raise TypeError(f"Equivariance takes a group, such as Rotations(), but got a {type(group).__name__}.")
        if int(transforms) != transforms or transforms < 1:
            raise ValueError(
                f"transforms is how many g move each picture, a whole number of at least 1, but got {transforms}."
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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.group}, transforms={self.transforms}, weight={self.weight:g})"


class RobustEquivariance(Equivariance):
    """REQ, the mean over g of ‖T_g x̂ − f(ỹ)‖² / n,  ỹ = noise(link(A T_g x̂)) drawn anew,  x̂ = f(y).

    With `Sure` it is REI. Counts are drawn around what is clipped to at least 0; their gradient is that of their mean.
    Without noise in the process it is `Equivariance`. Arguments and errors are those of `Equivariance`.

    Source: Chen, Tachella & Davies, Robust equivariant imaging: a fully unsupervised framework for learning to image
    from noisy and partial measurements, CVPR 2022.
    """

    def _measured(self, seen: Seen, moved: Tensor, generator: torch.Generator | None) -> Tensor:
        return measured_anew(seen.process, moved, generator=generator)
