"""Measurement consistency (MC): the reconstruction, measured again, equals the measurement."""

from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, observed, observed_count
from unseen.losses.risk import Sure
from unseen.losses.sums import at_least_single, squares
from unseen.physics.measurement import Measurement


class MeasurementConsistency(Loss):
    """‖y − link(A f(y))‖² / m, over the m observed real components of y.

    Without noise it is what every method here has in common, and by itself it learns nothing of what A does not show:
    f(y) = A⁺ y brings it to zero. With noise it teaches f to copy it: use `Sure`.

    Args:
        weight: ≥ 0.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Mask, Measurement
        >>> process = Measurement(Mask(torch.tensor([[True, False]])))
        >>> seen = Seen(torch.tensor([[[[1.0, 0.0]]]]), process, lambda y, process: y + 2)
        >>> MeasurementConsistency()(seen, generator=None).tolist()
        [4.0]

    Source: Chen, Tachella & Davies, Equivariant imaging: learning beyond the range space, ICCV 2021, arXiv 2103.14756.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        del generator
        residual = observed(seen.process, at_least_single(seen.y) - at_least_single(seen.remeasured))
        square = squares(residual)
        return square / observed_count(seen.process, seen.y).to(square).clamp(min=1)

    def judge(self, process: Measurement) -> Loss:
        return self if process.noise is None else Sure(weight=self.weight)
