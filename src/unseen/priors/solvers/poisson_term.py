"""Data term of photon counts for `pdhg`: the Kullback–Leibler divergence, whose conjugate has a closed proximal map.

Source: Anthoine, Aujol, Boursier & Mélot, "Some proximal methods for Poisson intensity CBCT and PET", Inverse Problems
and Imaging 6(4), 2012, §3.
"""

import torch
from torch import Tensor

from unseen.physics.operator import Operator
from unseen.physics.tensor_products import inner
from unseen.priors.solvers.pdhg import Term


def poisson_likelihood(A: Operator, y: Tensor, norm: float, *, gain: float, background: float) -> Term:
    """Return the term Σ [w − y + y log(y / w)] / gain with w = A x + background.

    Its conjugate is F*(p) = −Σ [background · p + (y / gain) log(1 − gain · p)], for gain · p ≤ 1. Iterates may leave
    w > 0 a little: value and gap are then those of the nearest w ≥ tiny, and the distance to it counts twice.

    Args:
        A: a real operator on images.
        y: (batch, *A.range), ≥ 0; 0 where nothing was measured and A x is 0.
        norm: ‖A‖.
        gain: what one count adds to y, > 0.
        background: ≥ 0, in y's units.
    """

    seen = A.observed()
    offset: Tensor | float = background if seen is None else background * seen.mask.to(y)

    def mean(z: Tensor) -> Tensor:
        return (z + offset).clamp(min=torch.finfo(z.dtype).tiny)

    def value(z: Tensor) -> Tensor:
        excess = (z + offset).clamp(min=0) - y  # exactly 0 where nothing was counted and nothing is expected
        return (excess + torch.xlogy(y, y) - torch.xlogy(y, mean(z))).flatten(1).sum(1) / gain

    def prox_conjugate(p: Tensor, step: Tensor) -> Tensor:
        shifted = p + step * offset
        return (shifted + 1 / gain - ((shifted - 1 / gain) ** 2 + 4 * step * y / gain).sqrt()) / 2

    def gap(z: Tensor, p: Tensor) -> Tensor:
        near = mean(z) - offset
        conjugate = -(offset * p + torch.xlogy(y, (1 - gain * p).clamp(min=0)) / gain).flatten(1).sum(1)
        outside = inner(p.abs(), (z - near).abs()).flatten()
        return (value(z) + conjugate - inner(near, p).flatten()).clamp(min=0) + 2 * outside

    return Term(forward=A, adjoint=A.adjoint, norm=norm, prox_conjugate=prox_conjugate, value=value, gap=gap)
