"""Pseudo-inverse of any operator by conjugate gradients (`conjugate_gradients`), and its adjoint; differentiable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from unseen.physics.conjugate_gradients import ITERATIONS, StoppingRule, cgls, default_tolerance
from unseen.physics.linear_function import Map, batched
from unseen.physics.tensor_products import Shape


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


def solve_least_squares(
    A: LinearAction, y: Tensor, *, iterations: int = ITERATIONS, tolerance: float | None = None, rtol: float = 0.0
) -> Tensor:
    """Return A⁺ y: of all x with the least ‖A x − y‖, the shortest.

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
    solution: Tensor = _LeastSquares.apply(wide, A, A.adjoint, stop, _per_sample(A))  # type: ignore[no-untyped-call]
    return solution if y.dtype == wide.dtype or solution.is_complex() else solution.to(y.dtype)


def adjoint_of_least_squares(A: LinearAction, x: Tensor, *, slope: float = 0.0) -> Tensor:
    """Return (A⁺)* x = (A*)⁺ x: what backward needs of an operator with a pseudo-inverse of its own.

    Args:
        A: an operator.
        x: (batch, *A.domain).
        slope: of `StoppingRule`.

    Returns:
        (batch, *A.range).
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    stop = StoppingRule(default_tolerance(wide.dtype), slope=slope, explained_only=True)
    solution: Tensor = _LeastSquares.apply(wide, A.adjoint, A, stop, _per_sample(A))  # type: ignore[no-untyped-call]
    return solution if x.dtype == wide.dtype or solution.is_complex() else solution.to(x.dtype)


def _per_sample(A: LinearAction) -> bool:
    return getattr(A, "batch", None) is not None


class _LeastSquares(torch.autograd.Function):
    """y ↦ forward⁺ y. Its derivative's adjoint is adjoint⁺: the same function with forward and adjoint exchanged.

    `ctx` and `info` are Any, since torch gives them no type that takes attributes or that is public.
    """

    @staticmethod
    def forward(y: Tensor, forward: Map, adjoint: Map, stop: StoppingRule, per_sample: bool) -> Tensor:
        del per_sample
        return cgls(y, forward, adjoint, stop)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map, StoppingRule, bool], output: Tensor) -> None:
        del output
        ctx.problem = inputs[1:]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        forward, adjoint, stop, per_sample = ctx.problem
        stop = replace(stop, explained_only=True)
        solution: Tensor = _LeastSquares.apply(gradient, adjoint, forward, stop, per_sample)  # type: ignore[no-untyped-call]
        return solution, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, forward: None, adjoint: None, stop: None, per_sample: None) -> Tensor:
        forward_map, adjoint_map, rule, each = ctx.problem
        rule = replace(rule, explained_only=True)
        solution: Tensor = _LeastSquares.apply(tangent, forward_map, adjoint_map, rule, each)  # type: ignore[no-untyped-call]
        return solution

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, *tuple[None, ...]], y: Tensor, *problem: Map | StoppingRule | bool
    ) -> tuple[Tensor, int]:
        del info

        def solve(some: Tensor) -> Tensor:
            solution: Tensor = _LeastSquares.apply(some, *problem)  # type: ignore[no-untyped-call]
            return solution

        return batched(solve, y.movedim(in_dims[0], 0), per_sample=bool(problem[-1])), 0
