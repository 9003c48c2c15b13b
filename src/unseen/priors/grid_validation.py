"""Weight of a prior, or another parameter, by validation: each candidate solves measurements with known truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from unseen.losses.sums import mean_square
from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.operator import Operator
from unseen.physics.tensor_products import describe

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class GridChoice(Generic[Candidate]):
    """The result of validation on a grid.

    Args:
        candidates: the grid.
        errors: (candidates, batch) float64, mean squared error of each on each truth; infinite where it gave NaN.
    """

    candidates: tuple[Candidate, ...]
    errors: Tensor

    @property
    def index(self) -> int:
        """Index of the candidate with the least mean error."""
        return int(self.errors.mean(1).argmin())

    @property
    def best(self) -> Candidate:
        """The candidate with the least mean error."""
        return self.candidates[self.index]

    @property
    def oracle(self) -> Tensor:
        """For each truth by itself the candidate with the least error: (batch,) int64. Who chooses by the truth cheats;
        it bounds what any choice could reach."""
        return self.errors.argmin(0)

    @property
    def sentence(self) -> str:
        """Describe the choice in a sentence."""
        n, least = len(self.candidates), float(self.errors.mean(1).min())
        said = f"Candidate {self.index + 1} of {n}, {self.best}: mean squared error {least:.2e}."
        if n > 1 and self.index in (0, n - 1):
            said += " It stands at the grid's end: a longer grid may hold a better one."
        return said


def by_validation(
    candidates: Sequence[Candidate],
    y: Tensor,
    A: Operator,
    truth: Tensor,
    *,
    solve: Callable[[Candidate, Tensor, Operator], Tensor],
) -> GridChoice[Candidate]:
    """Solve with every candidate.

    Args:
        candidates: such as `[Soft(G, weight=w) for w in (1.0, 0.1, 0.01)]`, in the order of the grid.
        y: (batch, *A.range).
        A: the operator.
        truth: (batch, *A.domain), the images that were measured.
        solve: (candidate, y, A) ↦ x, such as `lambda prior, y, A: prior.solve(y, A).x`. Draw random starts from a
            generator made inside it, so that all candidates have the same.

    Raises:
        ValueError: no candidate, or images of another shape than the truth.

    Example:
        >>> from unseen.physics import Identity
        >>> from unseen.priors.tikhonov import Tikhonov
        >>> A, truth = Identity((1, 1, 1)), torch.ones(1, 1, 1, 1)
        >>> grid = [Tikhonov(weight) for weight in (2.0, 0.5, 0.01)]
        >>> chosen = by_validation(grid, 2 * truth, A, truth, solve=lambda prior, y, A: prior.solve(y, A).x)
        >>> chosen.best, chosen.oracle.tolist()
        (Tikhonov(0.5, fit=Squares()), [1])
    """
    if not candidates:
        raise ValueError("There is nothing to choose from. Give at least one candidate.")
    y, truth, errors = as_tensor(y), as_tensor(truth), []
    for candidate in candidates:
        x = solve(candidate, y, A)
        if x.shape != truth.shape:
            raise ValueError(
                f"The truth is {describe(tuple(truth.shape))}, but {candidate} gave {describe(tuple(x.shape))}."
            )
        errors.append(mean_square(x - truth).double().nan_to_num(nan=torch.inf))
    return GridChoice(tuple(candidates), torch.stack(errors))
