"""Operators on complex images, restricted to real images."""

import torch
from torch import Tensor

from unseen.physics.operator import Mask, Operator
from unseen.priors.prior import check_operator_given


class RealImages(Operator):
    """x ↦ A(x) for real x, with A* y's real part as its adjoint.

    Args:
        whole: A, whose images are complex.

    Example:
        >>> from unseen.physics import FourierMask
        >>> A = RealImages(FourierMask(torch.ones(4, 4)))
        >>> A.complex_domain, A.adjoint(A(torch.ones(1, 1, 4, 4))).mean().item()
        (False, 1.0)
    """

    whole: Operator
    complex_range = True

    def __init__(self, whole: Operator) -> None:
        super().__init__(domain=whole.domain, range=whole.range, batch=whole.batch)
        self._set(whole=whole)

    def _forward(self, x: Tensor) -> Tensor:
        return self.whole(x.to(torch.promote_types(x.dtype, torch.complex64)))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.whole.adjoint(y).real

    def observed(self) -> Mask | None:
        return self.whole.observed()

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else RealImages(self.whole.select(samples))


def of_real_images(A: Operator) -> Operator:
    """Return A, on real images."""
    check_operator_given(A)
    return RealImages(A) if A.complex_domain else A
