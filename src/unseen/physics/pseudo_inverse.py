"""Least squares by conjugate gradients: the pseudo-inverse of any operator that knows its adjoint.

CGLS (Björck, Numerical Methods for Least Squares Problems, 1996, algorithm 7.4.1) from x = 0 converges to the shortest
of the least-squares solutions. Each sample has its own step lengths and stops by itself, so batch mates do not change
it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unseen.physics.operator import Operator, inner, lengths

Map = Callable[[Tensor], Tensor]


def solve_least_squares(A: Operator, y: Tensor, *, iterations: int = 500, tolerance: float | None = None) -> Tensor:
    """A⁺ y: of all x with the least ‖A x − y‖, the shortest.

    Differentiable to any order in y at the cost of one more solve, since the adjoint of A⁺ is the pseudo-inverse of A*.

    Args:
        A: an operator.
        y: (batch, *A.range).
        iterations: at most so many applications of A and A* each.
        tolerance: a sample is done when ‖A*(y − A x)‖ ≤ tolerance · ‖A* y‖; None: 1e-5 in single and 1e-12 in double
            precision. Coarser y are solved for in single precision.

    Returns:
        x: (batch, *A.domain).

    Warns:
        RuntimeWarning: some sample was not done within the iterations (an ill-conditioned A); its last x is returned.

    Example:
        >>> import torch
        >>> from unseen.physics import Identity
        >>> solve_least_squares(4 * Identity((1, 1, 2)), torch.tensor([[[[8.0, 4.0]]]])).flatten().tolist()
        [2.0, 1.0]
    """
    wide = y.to(torch.promote_types(y.dtype, torch.float32))
    if tolerance is None:
        tolerance = 1e-12 if wide.dtype in (torch.float64, torch.complex128) else 1e-5
    solution: Tensor = _LeastSquares.apply(wide, A, A.adjoint, iterations, tolerance)  # type: ignore[no-untyped-call]
    return solution.to(y.dtype)


class _LeastSquares(torch.autograd.Function):
    """y ↦ forward⁺ y. Its derivative's adjoint is adjoint⁺: the same function with forward and adjoint exchanged.

    `ctx` is Any, since torch gives it no type that takes attributes.
    """

    @staticmethod
    def forward(ctx: Any, y: Tensor, forward: Map, adjoint: Map, iterations: int, tolerance: float) -> Tensor:
        ctx.problem = (forward, adjoint, iterations, tolerance)
        return _cgls(y, forward, adjoint, iterations, tolerance)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        forward, adjoint, iterations, tolerance = ctx.problem
        solution: Tensor = _LeastSquares.apply(gradient, adjoint, forward, iterations, tolerance)  # type: ignore[no-untyped-call]
        return solution, None, None, None, None


def _cgls(y: Tensor, forward: Map, adjoint: Map, iterations: int, tolerance: float) -> Tensor:
    residual = y
    gradient = adjoint(residual)
    x = torch.zeros_like(gradient)
    direction = gradient
    square = inner(gradient, gradient)
    goal = tolerance * lengths(gradient)
    for _ in range(iterations):
        active = square.sqrt() > goal
        if not active.any():
            return x
        image = forward(direction)
        step = torch.where(active, square / inner(image, image), 0)
        x = x + step * direction
        residual = residual - step * image
        gradient = adjoint(residual)
        renewed = inner(gradient, gradient)
        direction = torch.where(active, gradient + renewed / square * direction, direction)
        square = torch.where(active, renewed, square)
    worst = float((square.sqrt() / goal.clamp(min=torch.finfo(goal.dtype).tiny)).max()) * tolerance
    if worst > tolerance:
        warnings.warn(
            f"The pseudo-inverse was not reached: after {iterations} steps ‖A*(y − A x)‖ is {worst:.1e} of ‖A* y‖, "
            f"the goal is {tolerance:.0e}. A is ill-conditioned: regularise, or call solve_least_squares with more "
            "iterations or a larger tolerance.",
            RuntimeWarning,
            stacklevel=5,
        )
    return x
