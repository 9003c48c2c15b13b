"""Prior: interface of the priors."""

from typing import Protocol, Self

from torch import Tensor

from unseen.physics.operator import Operator
from unseen.priors.solvers.solution import Solution


class Prior(Protocol):
    """fit(A x, y) + λ R(x).

    Law: n measurements give n images, and each one's is what it would be alone; a larger λ never fits better at the
    minimum.

    Example:
        >>> import torch
        >>> from unseen.physics import Identity
        >>> from unseen.priors import Tikhonov
        >>> prior: Prior = Tikhonov(1.0)
        >>> round(prior.solve(torch.ones(1, 1, 4, 4), Identity((1, 4, 4))).x.mean().item(), 4)
        0.3333
    """

    weight: float | Tensor

    def solve(self, y: Tensor, A: Operator) -> Solution:
        """Return the best x for each measurement (batch, *A.range)."""
        ...

    def distance(self, x: Tensor) -> Tensor:
        """R(x), or the distance that R is made of: (batch,), ≥ 0."""
        ...

    def weighted(self, weight: float | Tensor) -> Self:
        """Return the same prior with another λ."""
        ...
