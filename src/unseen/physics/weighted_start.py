"""Pseudo-inverse from a weighted start, for operators whose measurements can be weighed.

Conjugate gradients converge faster on the weighted problem; its solution is the start of the unweighted one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.conjugate_gradients import StoppingRule
from unseen.physics.linear_function import Map
from unseen.physics.pseudo_inverse import LinearAction
from unseen.physics.tensor_products import inner

SLOWEST_FALL = 0.02  # of the squared residual in a step: a weighted problem that falls more slowly is left
CHECKED_EVERY = 4  # steps of the weighted problem: the goal is in terms of the other


def solve_from_weighted_start(A: LinearAction, y: Tensor, *, weigh: Map, stop: StoppingRule) -> Tensor:
    """Return A⁺ y: of all x with the least ‖A x − y‖, the shortest.

    First for the least ⟨A x − y, W (A x − y)⟩, then, from there, for the least ‖A x − y‖, both by conjugate gradients
    (CGLS; Björck, Numerical Methods for Least Squares Problems, 1996, algorithm 7.4.1). Neither leaves the range of A*,
    so both find shortest x. Where some x measures exactly y, the two problems have the same answer; else the first is
    left as soon as what no x explains is most of the residual. A*W A ≈ A⁺A makes the first one fast.

    Args:
        A: an operator.
        y: (batch, *A.range), in single or double precision.
        weigh: W, linear, symmetric, and ⟨y, W y⟩ ≥ 0.
        stop: when a sample is done, in terms of the second problem; its iterations are of both together.

    Returns:
        x: (batch, *A.domain). Autograd does not see inside: for `linear_function.linear`.

    Warns:
        RuntimeWarning: some sample was not done within the iterations; its last x is returned.
    """
    start = _sum_of_squares(A.adjoint(y))
    x, steps = _weighted(A, y, start, weigh=weigh, stop=stop)
    residual = y - A(x)
    gradient = A.adjoint(residual)
    direction, square, energy = gradient, _sum_of_squares(gradient), _sum_of_squares(residual)
    for _ in range(stop.iterations - steps):
        active = stop.unreached(square, energy, start)
        if not bool(active.any()):
            return x
        image = A(direction)
        length = torch.where(active, square / _sum_of_squares(image), 0)
        x = x + length * direction
        residual = residual - length * image
        gradient = A.adjoint(residual)
        renewed, energy = torch.where(active, _sum_of_squares(gradient), square), _sum_of_squares(residual)
        direction = gradient + torch.where(active, renewed / square, 0) * direction
        square = renewed
    stop.warn(square, energy, start, stacklevel=8)
    return x


def _weighted(A: LinearAction, y: Tensor, start: Tensor, *, weigh: Map, stop: StoppingRule) -> tuple[Tensor, int]:
    """x for the least ⟨y − A x, W (y − A x)⟩, and the steps taken."""
    residual, weighed = y, weigh(y)
    gradient = A.adjoint(weighed)
    x = 0 * gradient
    direction, square, misfit = gradient, _sum_of_squares(gradient), inner(y, weighed)
    active = square > 0
    for step in range(stop.iterations):
        if step % CHECKED_EVERY == 0:
            active = active & stop.unreached(_sum_of_squares(A.adjoint(residual)), _sum_of_squares(residual), start)
        if not bool(active.any()):
            return x, step
        image = A(direction)
        weighed_image = weigh(image)
        length = torch.where(active, square / inner(image, weighed_image), 0)
        x = x + length * direction
        residual = residual - length * image
        weighed = weighed - length * weighed_image
        fall = length * square
        misfit = misfit - fall
        active = active & (fall > SLOWEST_FALL * misfit)
        gradient = A.adjoint(weighed)
        renewed = _sum_of_squares(gradient)
        active = active & (renewed > 0)  # 0: solved exactly, as on an image of one pixel; the next step would be 0 / 0
        direction = gradient + torch.where(active, renewed / square, 0) * direction
        square = renewed
    return x, stop.iterations


def _sum_of_squares(u: Tensor) -> Tensor:
    return inner(u, u)
