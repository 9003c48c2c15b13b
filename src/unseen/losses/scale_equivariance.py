"""Scale equivariance: a picture seen smaller has the details that blur and downsampling take from the larger one.

Shifts and rotations cannot help there: a blur commutes with the one, and nearly with the other.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.losses.equivariance import Equivariance
from unseen.losses.loss import Seen, mean_square, measured_anew
from unseen.losses.precision import at_least_single
from unseen.physics.group import Group


class ScaleEquivariance(Equivariance):
    """The mean over s of ‖sg(T_s x̂) − f(ỹ)‖² / n,  ỹ = noise(link(A sg(T_s x̂))) drawn anew,  x̂ = f(y).

    T_s shrinks, and sg lets no gradient through: the shrunk picture is the truth of its own measurement, and is not to
    be made easier to find again. With `Sure` (or `MeasurementConsistency`, where there is no noise) it deblurs and
    super-resolves.

    Args:
        group: None: `Scalings()`.
        transforms: how many s are drawn for each picture, ≥ 1.
        weight: ≥ 0.

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
