"""Data term of transmitted photon counts for `pdhg`: its proximal map is a Wright omega function.

The likelihood: Lange & Carson, "EM reconstruction algorithms for emission and transmission tomography", J. Computer
Assisted Tomography 8(2), 1984.
"""

import torch
from torch import Tensor

from unseen.physics.operator import Operator
from unseen.priors.solvers.pdhg import Term
from unseen.priors.solvers.wright_omega import wright_omega


def transmission_likelihood(A: Operator, y: Tensor, norm: float, *, I0: float, gain: float) -> Term:
    """Return the term Σ [u − y + y log(y / u)] / gain with u = I0 exp(−A x): F is convex and smooth.

    With q = y / gain − p, its conjugate is F*(p) = Σ [q log(gain q / I0) − q] plus a constant, for q ≥ 0. The proximal
    map of step · F* is q = step · w with w + log w = log(a I0) + a y − p / step and a = 1 / (gain · step). The gap is
    the divergence of q from u / gain.

    Args:
        A: a real operator on images.
        y: (batch, *A.range), ≥ 0; 0 where nothing was measured.
        norm: ‖A‖.
        I0: counts without an object, > 0, in y's units.
        gain: what one count adds to y, > 0.
    """
    seen = A.observed()
    log_flux = torch.full_like(y[:1], I0).log()

    def divergence(counts: Tensor, log_mean: Tensor) -> Tensor:
        """Σ [u − c + c log(c / u)] of counts c from u = exp(log_mean), without loss of digits where they are near."""
        apart = log_mean - counts.clamp(min=torch.finfo(counts.dtype).tiny).log()
        each = torch.where(counts > 0, counts * (torch.expm1(apart) - apart), log_mean.exp())
        each = each if seen is None else seen(each)
        return each.flatten(1).sum(1)

    def prox_conjugate(p: Tensor, step: Tensor) -> Tensor:
        a = 1 / (gain * step)
        moved = y / gain - step * wright_omega(log_flux + a.log() + a * y - p / step)
        return moved if seen is None else seen(moved)

    return Term(
        forward=A,
        adjoint=A.adjoint,
        norm=norm,
        prox_conjugate=prox_conjugate,
        value=lambda z: divergence(y, log_flux - z) / gain,
        gap=lambda z, p: divergence((y - gain * p).clamp(min=0), log_flux - z) / gain,
    )
