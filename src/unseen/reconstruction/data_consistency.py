"""Data consistency: move an image so that it measures y, as far as the noise allows."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unseen.losses.loss import noise_energy, observed
from unseen.losses.sums import at_least_single, squares
from unseen.physics.linear_function import linear
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator

Consistency = Literal["none", "project"]


def projected(x: Tensor, y: Tensor, process: Measurement) -> Tensor:
    """x + λ A⁺(p − A x), with p = link⁻¹(y): the part of x that A does not measure is kept.

    Without noise λ = 1: the result measures exactly y (CT: to the tolerance of its A⁺, which conjugate gradients
    compute), and of all such images it is the one closest to x. With noise λ
    is the positive part of 1 − m σ² / ‖y − link(A x)‖² of each sample, m σ² being the noise's variance summed over what
    was measured: a residual no larger than the noise moves nothing. λ reduces the error of what the image measures,
    unless the residual is near the noise; where A⁺ amplifies noise, the error of the image itself may grow.

    Args:
        x: (batch, *A.domain), an estimate of the image.
        y: (batch, *A.range), what was measured.
        process: how.

    Returns:
        (batch, *A.domain), of x's dtype. Differentiable in x and y.

    Example:
        >>> from unseen.physics import Mask
        >>> process = Measurement(Mask(torch.tensor([[True, False]])))
        >>> projected(torch.tensor([[[[5.0, 6.0]]]]), torch.tensor([[[[1.0, 0.0]]]]), process).flatten().tolist()
        [1.0, 6.0]

    Source: Sønderby et al., Amortised MAP inference for image super-resolution, ICLR 2017 (the projection); after James
    & Stein, Estimation with quadratic loss, 1961 (the factor; theirs has m − 2 in the place of m).
    """
    A = process.A
    seen = A(x)
    step = _step(A, process.linearise(y), x, seen)
    if process.noise is None:
        return x + step
    mean = seen if process.link is None else process.link(seen)
    energy = squares(observed(process, y - mean))
    level = at_least_single(mean if mean.is_complex() else mean.clamp(min=0))  # counts have no mean below 0
    noise = noise_energy(process.noise, process, level)
    factor = (1 - noise / energy.clamp(min=torch.finfo(energy.dtype).tiny)).clamp(min=0)
    return (x + factor.reshape(-1, *[1] * (x.ndim - 1)) * step).to(x.dtype)


def _step(A: Operator, p: Tensor, x: Tensor, seen: Tensor) -> Tensor:
    """A⁺(p − A x).

    For CT, A⁺p − A⁺A x: its conjugate gradients stop by a share of what they are given. A good image leaves a residual
    of small singular values and noise alone, for which 500 steps do not suffice, where p and A x each need 10 to 50.
    A⁺A is its own adjoint, so derivatives need no more.
    """
    if not A.pinv_by_steps:
        return A.pinv(p - seen)

    def measured_part(u: Tensor) -> Tensor:
        return A.pinv(A(u))

    return A.pinv(p) - linear(x, measured_part, measured_part, per_sample=A.batch is not None)
