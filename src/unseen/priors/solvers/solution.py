"""Result of a solver: the images, a bound on each one's distance from the minimum, and the iterations."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

CHECKED_EVERY = 10  # iterations: a look costs about as much as one of them


@dataclass(frozen=True)
class Solution:
    """Minimisers found by an iteration, with what is known of them.

    Args:
        x: (batch, *domain).
        value: (batch,) the objective at x.
        gap: (batch,) value − minimum is at most about gap · value (exactly so where ‖x − minimiser‖ ≤ ‖x‖).
        iterations: (batch,) int64, after how many each stopped.
        converged: (batch,) bool, whether gap came below the tolerance.
        tolerance: what gap had to come below.
        trace: (looks, 3, batch): at each look the iteration, the value and the gap; a sample that had stopped keeps its
            last.
        weight: (batch,) of the regulariser, where there is one; else None.
    """

    x: Tensor
    value: Tensor
    gap: Tensor
    iterations: Tensor
    converged: Tensor
    tolerance: float
    trace: Tensor
    weight: Tensor | None = None

    @property
    def sentence(self) -> str:
        """Describe the result in a sentence.

        >>> one = torch.ones(1)
        >>> Solution(one, one, 3e-5 * one, 40 * one.long(), one.bool(), 1e-4, torch.ones(1, 3, 1)).sentence
        'Converged: all 1 within 1e-04 of the minimum, after 40 iterations.'
        """
        n, done = len(self.converged), int(self.converged.sum())
        most = int(self.iterations.max()) if n else 0
        if done == n:
            return f"Converged: all {n} within {self.tolerance:.0e} of the minimum, after {most} iterations."
        if not bool(self.gap.isfinite().all()):
            return (
                f"Diverged: {int((~self.gap.isfinite()).sum())} of {n} are no longer finite. Look for "
                "an operator whose norm() is below its largest singular value, or whose adjoint is not its adjoint."
            )
        worst = int(self.gap.argmax())
        return (
            f"Not converged: {done} of {n} came within {self.tolerance:.0e} of the minimum; sample {worst} stands at "
            f"{float(self.gap[worst]):.1e} after {most} iterations. Allow more iterations, or a larger tolerance."
        )


@dataclass
class Watch:
    """Keeps which samples of a batch still move, and what was seen at each look."""

    tolerance: float
    most: int  # iterations
    value: Tensor  # (batch,)
    gap: Tensor
    iterations: Tensor
    active: Tensor  # bool
    looks: list[Tensor] = field(default_factory=list)

    @classmethod
    def over(cls, x: Tensor, *, tolerance: float, iterations: int) -> Watch:
        if iterations < 1:
            raise ValueError(f"A solver takes at least one iteration, but got iterations={iterations}.")
        if not tolerance > 0:
            raise ValueError(f"The tolerance is a share of the objective above 0, such as 1e-4, but got {tolerance}.")
        n, device = len(x), x.device
        infinite = torch.full((n,), torch.inf, dtype=torch.float64, device=device)
        zero = torch.zeros(n, dtype=torch.int64, device=device)
        active = torch.ones(n, dtype=torch.bool, device=device)
        return cls(tolerance, iterations, infinite, infinite.clone(), zero, active)

    def due(self, iteration: int) -> bool:
        """Return True if it is time to check."""
        return iteration % CHECKED_EVERY == 0 or iteration == self.most

    def look(self, iteration: int, *, value: Tensor, gap: Tensor) -> None:
        """Note objective and gap, both (batch,); the gap is absolute. Samples that are near enough stop."""
        value, gap = value.double(), gap.double()
        share = gap / value.abs().clamp(min=torch.finfo(torch.float64).tiny)
        share = torch.where(gap == 0, 0.0, share)
        self.value = torch.where(self.active, value, self.value)
        self.gap = torch.where(self.active, share, self.gap)
        self.iterations = torch.where(self.active, iteration, self.iterations)
        self.looks.append(torch.stack([self.iterations.double(), self.value, self.gap]))
        self.active = self.active & ~(self.gap <= self.tolerance) & self.gap.isfinite()

    def moving(self, like: Tensor) -> Tensor:
        """Return the samples that still move, as (batch, 1, …) to select by."""
        return self.active.reshape(-1, *[1] * (like.ndim - 1))

    def solution(self, x: Tensor) -> Solution:
        trace = torch.stack(self.looks) if self.looks else self.gap.new_zeros(0, 3, len(x))
        near = self.gap <= self.tolerance
        return Solution(x, self.value, self.gap, self.iterations, near, self.tolerance, trace)
