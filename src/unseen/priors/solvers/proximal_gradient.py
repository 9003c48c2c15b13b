"""Proximal gradient steps down smooth(w) + g(w), each sample with a step length of its own that backtracks.

Beck & Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J. Imaging
Sciences 2(1), 2009, §3 (ISTA with backtracking).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.physics.tensor_products import inner
from unseen.priors.solvers.pdhg import per_sample

SHORTER, LONGER = 0.5, 2.0


def proximal_steps(
    smooth: Callable[[Tensor], tuple[Tensor, Tensor]],
    prox: Callable[[Tensor, Tensor], Tensor],
    cost: Callable[[Tensor], Tensor],
    w: Tensor,
    step: Tensor,
    *,
    steps: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """w ← prox(w − t ∇smooth(w), t), `steps` times; a sample for which the sum would rise stays where it is, and
    halves its t.

    Args:
        smooth: w ↦ (its values (batch,), its gradient).
        prox: (v, t (batch, 1, …)) ↦ argmin over w of ‖w − v‖²/2 + t · g(w).
        cost: w ↦ g(w): (batch,).
        w: (batch, …).
        step: t (batch,), > 0; twice as long is tried at first.

    Returns:
        w, t, and the fall of the last step (batch,), float64.

    Example:
        >>> parabola = lambda w: ((w - 3).square().sum(1) / 2, w - 3)
        >>> shrunk = lambda v, t: (v - t).clamp(min=0)
        >>> w, t, fall = proximal_steps(parabola, shrunk, lambda w: w.sum(1), torch.zeros(1, 1), torch.ones(1), steps=9)
        >>> round(w.item(), 3)
        2.0
    """
    value, gradient = smooth(w)
    total = value.double() + cost(w).double()
    step, fall = LONGER * step, torch.zeros_like(total)
    for _ in range(steps):
        length = per_sample(step, w).to(w.dtype)
        tried = prox(w - length * gradient, length)
        tried_value, tried_gradient = smooth(tried)
        tried_total = tried_value.double() + cost(tried).double()
        moved = tried - w
        model = value + inner(gradient, moved).flatten() + inner(moved, moved).flatten() / (2 * step)
        rounding = 4 * torch.finfo(w.dtype).eps * value.abs()
        lower = (tried_value <= model + rounding) & (tried_total <= total)
        chosen = per_sample(lower, w)
        fall = torch.where(lower, total - tried_total, fall)
        w, gradient = torch.where(chosen, tried, w), torch.where(chosen, tried_gradient, gradient)
        value, total = torch.where(lower, tried_value, value), torch.where(lower, tried_total, total)
        step = torch.where(lower, step, SHORTER * step)
    return w, step, fall
