"""Conjugate gradients for least squares, with their stopping rules.

CGLS (Björck, Numerical Methods for Least Squares Problems, 1996, algorithm 7.4.1) from x = 0 converges to the shortest
of the least-squares solutions. Each sample has its own step lengths and stops by itself, so batch mates do not change
it.

A sample is done by the first of two rules: ‖A*(y − A x)‖ ≤ tolerance · ‖A* y‖; or, where rtol > 0,
‖A*(y − A x)‖ ≤ rtol · ‖A‖ · ‖y − A x‖, when x solves the problem of an operator that differs from A by rtol · ‖A‖
(Paige & Saunders, ACM Trans. Math. Softw. 8, 1982, stopping rules 1 and 2). The steps beyond fit what singular values
below rtol · ‖A‖ show, which is mostly noise.

A derivative's y is no measurement, and what no x explains of it is no noise: it must not end the steps. There the
second rule takes the part of ‖y − A x‖² that can still be explained, whose lower bound is how much the last steps
lowered it (Hestenes & Stiefel, J. Res. Nat. Bur. Stand. 49, 1952, theorem 6:1; Golub & Strakoš, Numer. Algorithms 8,
1994).
"""

from __future__ import annotations

import math
import warnings
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.linear_function import Map
from unseen.physics.tensor_products import inner

ITERATIONS = 500
DELAY = 5  # steps over which the fall of the residual is summed


@dataclass(frozen=True)
class StoppingRule:
    """Stopping rule of conjugate gradients.

    Args:
        tolerance: Share of ‖A* y‖ for the first rule.
        slope: rtol · ‖A‖ for the second rule; 0: there is no second rule.
        iterations: Largest number of applications of A, and of A*.
        explained_only: The second rule takes only the part of ‖y − A x‖ that some x explains: for derivatives.
    """

    tolerance: float
    slope: float = 0.0
    iterations: int = ITERATIONS
    explained_only: bool = False

    def unreached(self, square: Tensor, energy: Tensor, start: Tensor) -> Tensor:
        """Return the samples that are not done.

        Args:
            square: ‖A*(y − A x)‖².
            energy: ‖y − A x‖².
            start: ‖A* y‖².
        """
        return square > torch.maximum(self.tolerance**2 * start, self.slope**2 * energy)

    def warn(self, square: Tensor, energy: Tensor, start: Tensor, *, stacklevel: int) -> None:
        """Warn where a sample is not done."""
        left = self.unreached(square, energy, start)
        share = float((square[left] / start[left]).max().sqrt()) if bool(left.any()) else 0.0
        warn_if_not_reached(share, tolerance=self.tolerance, iterations=self.iterations, stacklevel=stacklevel + 1)


def warn_if_not_reached(share: float, *, tolerance: float, iterations: int, stacklevel: int) -> None:
    """Warn where ‖A*(y − A x)‖ is left at a larger share of ‖A* y‖ than the tolerance."""
    if share > tolerance:
        bound = 10.0 ** math.ceil(math.log10(share))  # few texts, since Python shows each only once
        warnings.warn(
            f"The pseudo-inverse was not reached: after {iterations} steps ‖A*(y − A x)‖ is up to {bound:.0e} of "
            f"‖A* y‖, the goal is {tolerance:.0e}. A is ill-conditioned: regularise, raise rtol, or call "
            "solve_least_squares with more iterations or a larger tolerance. A network begins with the adjoint by "
            "start='adjoint'.",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )


def default_tolerance(dtype: torch.dtype) -> float:
    """Return the residual at which conjugate gradients stop, as a share of ‖A* y‖: 1e-12 in double precision, else
    1e-5.
    """
    return 1e-12 if dtype in (torch.float64, torch.complex128) else 1e-5


def cgls(y: Tensor, forward: Map, adjoint: Map, stop: StoppingRule) -> Tensor:
    """Return the shortest x with the least ‖forward(x) − y‖, by conjugate gradients.

    Args:
        y: (batch, ...).
        forward: A.
        adjoint: A*.
        stop: when a sample is done; a warning where it is not.

    Returns:
        x, of the shape that `adjoint` gives.
    """
    residual = y
    gradient = direction = adjoint(residual)
    x = torch.zeros_like(gradient)
    start = square = _squares(gradient)
    recent: deque[tuple[Tensor, Tensor]] = deque(maxlen=DELAY)  # square and fall of the residual, by step
    active = torch.ones_like(start, dtype=torch.bool)
    for _ in range(stop.iterations):
        active = active & _unreached(stop, square, residual, start, recent)
        if not active.any():
            return x
        image = forward(direction)
        step = torch.where(active, square / _squares(image), 0)
        recent.append((square, step * square))
        x = x + _times(step, direction)
        residual = residual - _times(step, image)
        gradient = adjoint(residual)
        renewed = torch.where(active, _squares(gradient), square)
        direction = gradient + _times(torch.where(active, renewed / square, 0), direction)
        square = renewed
    active = active & _unreached(stop, square, residual, start, recent)
    stop.warn(torch.where(active, square, 0), torch.zeros_like(square), start, stacklevel=5)
    return x


def _unreached(
    stop: StoppingRule, square: Tensor, residual: Tensor, start: Tensor, recent: deque[tuple[Tensor, Tensor]]
) -> Tensor:
    """Return the samples that are not done, by the residual or by how much the last steps lowered it."""
    if not stop.explained_only:
        return stop.unreached(square, _squares(residual), start)
    nothing = torch.zeros_like(start)
    left = stop.unreached(square, nothing, start)
    if len(recent) == DELAY:
        left = left & stop.unreached(recent[0][0], torch.stack([fall for _, fall in recent]).sum(dim=0), nothing)
    return left


def _squares(u: Tensor) -> Tensor:
    """‖u‖² per sample: (batch,)."""
    return inner(u, u).flatten()


def _times(factors: Tensor, u: Tensor) -> Tensor:
    """Multiply each sample by its own factor."""
    return factors.reshape(-1, *(1,) * (u.ndim - 1)) * u
