"""Prior: interface of the priors, and the check of the operator that they are given."""

import copy
from typing import Protocol, Self

import torch
from torch import Tensor

from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import readable
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


def own_weight(weight: float | Tensor, demand: str, *, above_zero: bool, remedy: str = "") -> float | Tensor:
    """Return a weight as a copy of its own, so that a prior does not change with the tensor that it was given.

    Args:
        weight: λ, one for all or (batch,).
        demand: beginning of the message, such as "TV's weight is a finite number of at least 0".
        above_zero: 0 is refused.
        remedy: end of the message.

    Raises:
        ValueError: the weight is no finite number in that range, nor one for each sample.

    Example:
        >>> own_weight(-1.0, "The weight is at least 0", above_zero=False)
        Traceback (most recent call last):
            ...
        ValueError: The weight is at least 0, but got -1.0.
    """
    try:
        value = torch.as_tensor(readable(weight))
    except (TypeError, ValueError, RuntimeError):  # torch's, of texts and None
        value = torch.tensor(torch.nan)
    known = value.ndim <= 1 and value.numel() > 0 and not value.is_complex()
    if not known or not bool((value.isfinite() & (value > 0 if above_zero else value >= 0)).all()):
        raise ValueError(f"{demand}, but got {weight!r}.{remedy}")
    return weight.detach().clone() if isinstance(weight, Tensor) else copy.copy(readable(weight))
