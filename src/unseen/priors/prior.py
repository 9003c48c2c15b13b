"""`Prior`: the interface of everything that reconstructs a picture from measurements by knowing what pictures are."""

from __future__ import annotations

from typing import Protocol, Self

from torch import Tensor

from unseen.physics.operator import Operator
from unseen.priors.solvers.convergence import Solution


class Prior(Protocol):
    """fit(A x, y) + λ R(x).

    Law: n measurements give n pictures, and each one's is what it would be alone; a larger λ never fits better at the
    minimum.
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
