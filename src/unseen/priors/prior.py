"""Prior: interface of the priors, and the check of the operator that they are given."""

from typing import Protocol, Self

from torch import Tensor

from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.physics.operator_checks import check_is_operator
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


def check_operator_given(A: object) -> None:
    """Raise TypeError unless A is an operator; of a whole process, the message states what to give.

    >>> import torch
    >>> check_operator_given(torch.eye(2))
    Traceback (most recent call last):
        ...
    TypeError: A is an operator, but got a Tensor. A matrix: Dense(matrix, size=…).
    """
    if isinstance(A, Measurement):
        raise TypeError(
            "A prior takes an operator, but got a Measurement. Give solve(y, process.A); with a link, "
            "process.linearise(y) in place of y."
        )
    check_is_operator(A)
