"""Data terms for `pdhg`: what it costs that A x is not y."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.losses.loss import squares
from unseen.physics.algebra import inner, lengths
from unseen.physics.operator import Operator
from unseen.priors.solvers.pdhg import Term, per_sample


def squared_distance(A: Operator, y: Tensor, norm: float) -> Term:
    """‖A x − y‖²/2: F*(p) = ‖p‖²/2 + ⟨p, y⟩."""
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
        """A z a little outside is charged twice what the constraint's multiplier says it gains."""
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
