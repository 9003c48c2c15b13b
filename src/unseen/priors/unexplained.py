"""The part w of a picture that a generator does not explain, settled by proximal steps for a given G(z)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.priors.fits import Fit, Squares
from unseen.priors.solvers.pdhg import per_sample
from unseen.priors.solvers.proximal import proximal_steps
from unseen.priors.task import Some, Task

STEPS = 5  # for each z that is tried: they cost the operator and its adjoint, not the generator
STILL_TO_GAIN = 10  # times the last step's fall, as a guess


def first_state(task: Task, fit: Fit) -> tuple[Tensor, Tensor]:
    """w = 0 and the step's length, for every start: (starts, *domain), (starts,)."""
    starts = len(task.y) * task.restarts
    variance = fit.variance(task.norm) if isinstance(fit, Squares) else task.norm**2
    dtype = task.y.real.dtype if task.y.is_complex() else task.y.dtype
    w = torch.zeros(starts, *task.A.domain, dtype=dtype, device=task.y.device)
    return w, torch.full((starts,), variance / task.norm**2, dtype=dtype, device=task.y.device)


def settled_by_steps(
    some: Some,
    fit: Fit,
    g: Tensor,
    state: tuple[Tensor, ...],
    *,
    cost: Callable[[Tensor], Tensor],
    prox: Callable[[Tensor, Tensor], Tensor],
) -> tuple[tuple[Tensor, ...], Tensor]:
    """A few steps down fit(A (g + w), y) + λ R(w).

    Args:
        some: the measurements of these rows.
        fit: the data fit.
        g: G(z), (rows, *domain).
        state: w and the step's length, as in `first_state`.
        cost: w ↦ R(w), (rows,).
        prox: (v, t) ↦ argmin over w of ‖w − v‖²/2 + t R(w).

    Returns:
        The state, and what is guessed to be still to gain: (rows,), float64.
    """
    w, length = state
    weight = per_sample(some.weight, g).to(g.dtype)

    def smooth(w: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            w = w.detach().requires_grad_()
            value = some.misfit(fit, g + w)
            (gradient,) = torch.autograd.grad(value.sum(), w)
        return value.detach(), gradient

    w, length, fall = proximal_steps(
        smooth, lambda v, t: prox(v, t * weight), lambda w: some.weight * cost(w), w, length, steps=STEPS
    )
    return (w, length), STILL_TO_GAIN * fall
