"""Scale equivariance: an image seen smaller has the details that blur and downsampling remove from the larger one.

Shifts and rotations do not help there: a blur commutes with shifts, and nearly with rotations.
"""

import torch
from torch import Tensor

from unseen.losses.equivariance import Equivariance
from unseen.losses.loss import Loss, Seen, measured_anew
from unseen.losses.sums import at_least_single, mean_square
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement


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
