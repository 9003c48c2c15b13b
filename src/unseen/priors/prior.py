"""The interface of priors, and operators restricted to real images.

An operator on complex images, asked about real ones alone.
"""

from typing import Protocol, Self

import torch
from torch import Tensor

from unseen.physics.operator import Mask, Operator
from unseen.priors.solvers.solution import Solution


class Prior(Protocol):
    """fit(A x, y) + λ R(x).

    Law: n measurements give n images, and each one's is what it would be alone; a larger λ never fits better at the
    minimum.

    Example:
        >>> from unseen.physics import Identity
        >>> from unseen.priors import Tikhonov
        >>> prior: Prior = Tikhonov(1.0)
        >>> round(prior.solve(torch.ones(1, 1, 4, 4), Identity((1, 4, 4))).x.mean().item(), 4)
        0.3333
    """

    weight: float | Tensor

    def solve(self, y: Tensor, A: Operator) -> Solution:
        """The best x for each measurement (batch, *A.range)."""
        ...

    def distance(self, x: Tensor) -> Tensor:
        """R(x), or the distance that R is made of: (batch,), ≥ 0."""
        ...

    def weighted(self, weight: float | Tensor) -> Self:
        """The same prior with another λ."""
        ...


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
    """A, on real images."""
    return RealImages(A) if A.complex_domain else A
