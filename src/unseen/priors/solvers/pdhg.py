"""Primal–dual hybrid gradient method, and its data terms `squared_distance` and `within`.

Each F_i is met through the proximal map of its conjugate alone, and each K_i through K_i and K_i* alone; so a data term
needs no pseudo-inverse, and its step length follows from `norm`.

Source: Chambolle & Pock, "A first-order primal-dual algorithm for convex problems with applications to imaging", JMIV
40(1), 2011, algorithm 1; over-relaxed as in Condat, "A primal-dual splitting method for convex optimization involving
Lipschitzian, proximable and linear composite terms", JOTA 158, 2013, algorithm 3.2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.losses.sums import squares
from unseen.physics.operator import Operator
from unseen.physics.tensor_products import inner, lengths
from unseen.priors.solvers.solution import Solution, Watch

Map = Callable[[Tensor], Tensor]

RELAXATION = 1.9  # of at most 2; larger steps in the direction found
SAFETY = 0.998  # power iteration may leave a norm up to 0.1 % too small


@dataclass(frozen=True)
class Term:
    """One term F(K x) of the objective.

    Args:
        forward, adjoint: K and K*.
        norm: ‖K‖, the largest singular value.
        prox_conjugate: (p, step) ↦ prox of step · F* at p; step is (batch, 1, …), with p's number of axes.
        value: z ↦ F(z): (batch,); zero for a constraint.
        gap: (z, p) ↦ F(z) + F*(p) − ⟨z, p⟩ ≥ 0: (batch,), zero where p is a subgradient of F at z.
    """

    forward: Map
    adjoint: Map
    norm: float
    prox_conjugate: Callable[[Tensor, Tensor], Tensor]
    value: Callable[[Tensor], Tensor]
    gap: Callable[[Tensor, Tensor], Tensor]


def pdhg(
    terms: Sequence[Term],
    start: Tensor,
    *,
    ratio: Tensor,
    iterations: int,
    tolerance: float,
    nonnegative: Tensor | None = None,
) -> tuple[Solution, list[Tensor]]:
    """Minimise Σ_i F_i(K_i x), for x ≥ 0 where `nonnegative` marks it.

    A sample stops when Σ_i gap_i(K_i x, p_i) + ‖x‖ ‖Σ_i K_i* p_i‖ ≤ tolerance · its objective: by Fenchel and Young
    that bounds objective − minimum wherever ‖x − minimiser‖ ≤ ‖x‖. Of entries with x ≥ 0, the positive part r₊ of
    r = Σ_i K_i* p_i adds ⟨x, r₊⟩ instead, since −⟨minimiser, r₊⟩ ≤ 0.

    Args:
        terms: of the objective.
        start: (batch, …), where x begins.
        ratio: (batch, 1, …), > 0, the dual variables' size over x's as far as one can guess. It sets the steps, 1/ratio
            for x; every ratio leads to the minimum, and those within 3 times of the best are about as quick.
        iterations: at most.
        tolerance: see above.
        nonnegative: bool, broadcast to x's shape: the entries with x ≥ 0, which holds exactly at the end; None: none.

    Returns:
        The solution, and the dual variable of each term.
    """
    watch = Watch.over(start, tolerance=tolerance, iterations=iterations)
    roots = [SAFETY / (term.norm * len(terms) ** 0.5) if term.norm > 0 else 1.0 for term in terms]
    images = [term.forward(start) for term in terms]  # K_i x
    steps = [  # of p_i; so Σ step_i ‖K_i‖² / ratio < 1
        per_sample(ratio * root**2, image) for root, image in zip(roots, images, strict=True)
    ]
    duals = [torch.zeros_like(image) for image in images]
    state = [start, torch.zeros_like(start), *images, *duals]  # x, Σ K_i* p_i, K_i x, p_i: all move alike
    relaxed = _relaxed(watch)
    for iteration in range(1, iterations + 1):
        x, back, images, duals = _parted(state)
        ahead = x - back / ratio
        if nonnegative is not None:
            ahead = torch.where(nonnegative, ahead.clamp(min=0), ahead)
        images_ahead = [term.forward(ahead) for term in terms]
        duals_ahead = [
            term.prox_conjugate(p + step * (2 * beyond - image), step)
            for term, p, step, beyond, image in zip(terms, duals, steps, images_ahead, images, strict=True)
        ]
        back_ahead = _summed([term.adjoint(p) for term, p in zip(terms, duals_ahead, strict=True)])
        state_ahead = [ahead, back_ahead, *images_ahead, *duals_ahead]
        push, due = relaxed, watch.due(iteration)
        if due:
            gap = _distance_from_stationary(ahead, back_ahead, nonnegative)
            value = torch.zeros_like(gap)
            for term, image, p in zip(terms, images_ahead, duals_ahead, strict=True):
                value, gap = value + term.value(image), gap + term.gap(image, p)
            watch.look(iteration, value=value, gap=gap)
            # a sample that stops, stops at the point that was judged
            last = iteration == iterations
            push = torch.where(watch.active & (not last), push, push.clamp(max=1))
        push = push.to(ratio.dtype)
        state = [_along(old, new, per_sample(push, old)) for old, new in zip(state, state_ahead, strict=True)]
        if due:  # only a look stops samples
            if not watch.active.any():
                break
            relaxed = _relaxed(watch)
    x, _, _, duals = _parted(state)
    return watch.solution(x), duals


def _relaxed(watch: Watch) -> Tensor:
    """Return how far each sample goes along its step, 0 for those that have stopped: (batch,)."""
    return torch.where(watch.active, RELAXATION, 0.0)


def _along(old: Tensor, new: Tensor, push: Tensor) -> Tensor:
    """Return old + push · (new − old)."""
    return (new - old).mul_(push).add_(old)


def per_sample(numbers: Tensor, like: Tensor) -> Tensor:
    """Return one number a sample, with as many axes as `like`: (batch, 1, …)."""
    return numbers.reshape(-1, *[1] * (like.ndim - 1))


def _distance_from_stationary(x: Tensor, slope: Tensor, nonnegative: Tensor | None) -> Tensor:
    """Return the part of the gap that the slope Σ K_i* p_i at x leaves: (batch,)."""
    if nonnegative is None:
        return (lengths(x) * lengths(slope)).flatten()
    upward = torch.where(nonnegative, slope.clamp(min=0), torch.zeros_like(slope))
    return (inner(x, upward) + lengths(x) * lengths(slope - upward)).flatten()


def _parted(state: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """x, Σ K_i* p_i, the K_i x, the p_i."""
    half = 1 + len(state) // 2
    return state[0], state[1], state[2:half], state[half:]


def _summed(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def squared_distance(A: Operator, y: Tensor, norm: float) -> Term:
    """Return ‖A x − y‖²/2: F*(p) = ‖p‖²/2 + ⟨p, y⟩."""
    return Term(
        forward=A,
        adjoint=A.adjoint,
        norm=norm,
        prox_conjugate=lambda p, step: (p - step * y) / (1 + step),
        value=lambda z: squares(z - y) / 2,
        gap=lambda z, p: squares(z - y - p) / 2,
    )


def within(A: Operator, y: Tensor, norm: float, radius: Tensor) -> Term:
    """0 where ‖A x − y‖ ≤ radius, else infinite: F*(p) = radius ‖p‖ + ⟨p, y⟩."""

    def prox_conjugate(p: Tensor, step: Tensor) -> Tensor:
        shifted = p - step * y
        length = lengths(shifted)
        reach = step * per_sample(radius.to(length.dtype), p)
        return shifted * (1 - reach / length.clamp(min=torch.finfo(length.dtype).tiny)).clamp(min=0)

    def gap(z: Tensor, p: Tensor) -> Tensor:
        """Return the gap; a z slightly outside costs twice the gain that the constraint's multiplier gives it."""
        outside = (lengths(z - y).flatten() - radius).clamp(min=0)
        length = lengths(p).flatten()
        return (inner(y - z, p).flatten() + radius * length).clamp(min=0) + 2 * length * outside

    return Term(
        forward=A,
        adjoint=A.adjoint,
        norm=norm,
        prox_conjugate=prox_conjugate,
        value=lambda z: torch.zeros(len(z), dtype=lengths(z[:1]).dtype, device=z.device),
        gap=gap,
    )
