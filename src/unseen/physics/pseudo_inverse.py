"""Pseudo-inverse by conjugate gradients.

CGLS (Björck, Numerical Methods for Least Squares Problems, 1996, algorithm 7.4.1) from x = 0 converges to the shortest
of the least-squares solutions. Each sample has its own step lengths and stops by itself, so batch mates do not change
it.

A sample is done by the first of two rules: ‖A*(y − A x)‖ ≤ tolerance · ‖A* y‖; or, where rtol > 0,
‖A*(y − A x)‖ ≤ rtol · ‖A‖ · ‖y − A x‖, when x solves the problem of an operator that differs from A by rtol · ‖A‖
(Paige & Saunders, ACM Trans. Math. Softw. 8, 1982, stopping rules 1 and 2). The steps beyond fit what singular values
below rtol · ‖A‖ show, which is mostly noise.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from unseen.physics.algebra import Shape, inner
from unseen.physics.linear_function import Map

ITERATIONS = 500


class LinearAction(Protocol):
    """Linear map with its adjoint: the part of an `Operator` that the solvers need."""

    @property
    def domain(self) -> Shape:
        """Shape of an image, without the batch."""

    @property
    def range(self) -> Shape:
        """Shape of a measurement, without the batch."""

    def __call__(self, x: Tensor, /) -> Tensor:
        """Return A x."""

    def adjoint(self, y: Tensor, /) -> Tensor:
        """Return A* y."""

    def norm(self) -> float:
        """Return the largest singular value."""


@dataclass(frozen=True)
class StoppingRule:
    """When conjugate gradients stop.

    Args:
        tolerance: a share of ‖A* y‖, for the first rule.
        slope: rtol · ‖A‖, for the second; 0: there is none.
        iterations: at most so many applications of A and A* each.
    """

    tolerance: float
    slope: float = 0.0
    iterations: int = ITERATIONS

    def unreached(self, square: Tensor, energy: Tensor, start: Tensor) -> Tensor:
        """Return the samples that are not done.

        Args:
            square: ‖A*(y − A x)‖².
            energy: ‖y − A x‖².
            start: ‖A* y‖².
        """
        return square > torch.maximum(self.tolerance**2 * start, self.slope**2 * energy)

    def warn(self, square: Tensor, energy: Tensor, start: Tensor, *, stacklevel: int) -> None:
        """Warns where a sample is not done."""
        left = self.unreached(square, energy, start)
        share = float((square[left] / start[left]).max().sqrt()) if bool(left.any()) else 0.0
        warn_if_not_reached(share, tolerance=self.tolerance, iterations=self.iterations, stacklevel=stacklevel + 1)


def warn_if_not_reached(share: float, *, tolerance: float, iterations: int, stacklevel: int) -> None:
    """Warns where ‖A*(y − A x)‖ is left at a larger share of ‖A* y‖ than the tolerance."""
    if share > tolerance:
        warnings.warn(
            f"The pseudo-inverse was not reached: after {iterations} steps ‖A*(y − A x)‖ is {share:.1e} of ‖A* y‖, "
            f"the goal is {tolerance:.0e}. A is ill-conditioned: regularise, raise rtol, or call solve_least_squares "
            "with more iterations or a larger tolerance.",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )


def solve_least_squares(
    A: LinearAction, y: Tensor, *, iterations: int = ITERATIONS, tolerance: float | None = None, rtol: float = 0.0
) -> Tensor:
    """A⁺ y: of all x with the least ‖A x − y‖, the shortest.

    Differentiable to any order in y at the cost of one more solve, since the adjoint of A⁺ is the pseudo-inverse of A*.

    Args:
        A: an operator.
        y: (batch, *A.range).
        iterations: at most so many applications of A and A* each.
        tolerance: a sample is done when ‖A*(y − A x)‖ ≤ tolerance · ‖A* y‖; None: 1e-5 in single and 1e-12 in double
            precision. Coarser y are solved for in single precision.
        rtol: a sample is also done when ‖A*(y − A x)‖ ≤ rtol · A.norm() · ‖y − A x‖; 0: this is no reason to stop.

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
        tolerance = default_tolerance(wide.dtype)
    stop = StoppingRule(tolerance, slope=rtol * A.norm() if rtol else 0.0, iterations=iterations)
    solution: Tensor = _LeastSquares.apply(wide, A, A.adjoint, stop)  # type: ignore[no-untyped-call]
    return solution if y.dtype == wide.dtype else solution.to(y.dtype)


def adjoint_of_least_squares(A: LinearAction, x: Tensor, *, slope: float = 0.0) -> Tensor:
    """(A⁺)* x = (A*)⁺ x: what backward needs of an operator with a pseudo-inverse of its own.

    Args:
        A: an operator.
        x: (batch, *A.domain).
        slope: of `StoppingRule`.

    Returns:
        (batch, *A.range).
    """
    stop = StoppingRule(default_tolerance(x.dtype), slope=slope)
    solution: Tensor = _LeastSquares.apply(x, A.adjoint, A, stop)  # type: ignore[no-untyped-call]
    return solution


def default_tolerance(dtype: torch.dtype) -> float:
    """When conjugate gradients are done, as a share of ‖A* y‖: 1e-12 in double precision, else 1e-5."""
    return 1e-12 if dtype in (torch.float64, torch.complex128) else 1e-5


class _LeastSquares(torch.autograd.Function):
    """y ↦ forward⁺ y. Its derivative's adjoint is adjoint⁺: the same function with forward and adjoint exchanged.

    `ctx` is Any, since torch gives it no type that takes attributes.
    """

    @staticmethod
    def forward(y: Tensor, forward: Map, adjoint: Map, stop: StoppingRule) -> Tensor:
        return _cgls(y, forward, adjoint, stop)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map, StoppingRule], output: Tensor) -> None:
        del output
        ctx.problem = inputs[1:]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        forward, adjoint, stop = ctx.problem
        solution: Tensor = _LeastSquares.apply(gradient, adjoint, forward, stop)  # type: ignore[no-untyped-call]
        return solution, None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, forward: None, adjoint: None, stop: None) -> Tensor:
        solution: Tensor = _LeastSquares.apply(tangent, *ctx.problem)  # type: ignore[no-untyped-call]
        return solution


def _cgls(y: Tensor, forward: Map, adjoint: Map, stop: StoppingRule) -> Tensor:
    residual = y
    gradient = direction = adjoint(residual)
    x = torch.zeros_like(gradient)
    start = square = _squares(gradient)
    for _ in range(stop.iterations):
        active = stop.unreached(square, _squares(residual), start)
        if not active.any():
            return x
        image = forward(direction)
        step = torch.where(active, square / _squares(image), 0)
        x = x + _times(step, direction)
        residual = residual - _times(step, image)
        gradient = adjoint(residual)
        renewed = torch.where(active, _squares(gradient), square)
        direction = gradient + _times(torch.where(active, renewed / square, 0), direction)
        square = renewed
    stop.warn(square, _squares(residual), start, stacklevel=5)
    return x


def _squares(u: Tensor) -> Tensor:
    """‖u‖² per sample: (batch,)."""
    return inner(u, u).flatten()


def _times(factors: Tensor, u: Tensor) -> Tensor:
    """Each sample by its own factor."""
    return factors.reshape(-1, *(1,) * (u.ndim - 1)) * u
