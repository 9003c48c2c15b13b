"""Data consistency: move an image to the measurement that it should have, as far as the noise allows."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unseen.losses.loss import observed
from unseen.physics.measurement import Measurement

Consistency = Literal["none", "project"]


def projected(x: Tensor, y: Tensor, process: Measurement) -> Tensor:
    """x + λ A⁺(p − A x), with p = link⁻¹(y): what A hides of x stays, and what A shows of it is measured.

    Without noise λ = 1: the result measures exactly y, and of all such images it is the one closest to x. With noise λ
    is the positive part of 1 − m σ² / ‖y − link(A x)‖² of each sample, James and Stein's factor, m σ² being the noise's
    variance summed over what was measured: a residual no larger than the noise moves nothing. So what the image
    measures comes closer to what the truth measures, on average; where A⁺ amplifies noise, the image itself need not.

    Args:
        x: (batch, *A.domain), an estimate of the image.
        y: (batch, *A.range), what was measured.
        process: how.

    Returns:
        (batch, *A.domain). Differentiable in x and y.

    Example:
        >>> from unseen.physics import Mask
        >>> process = Measurement(Mask(torch.tensor([[True, False]])))
        >>> projected(torch.tensor([[[[5.0, 6.0]]]]), torch.tensor([[[[1.0, 0.0]]]]), process).flatten().tolist()
        [1.0, 6.0]

    Source: Sønderby et al., Amortised MAP inference for image super-resolution, ICLR 2017 (the projection); James &
    Stein, Estimation with quadratic loss, 1961 (the factor).
    """
    A, p = process.A, process.linearise(y)
    step = A.pinv(p - A(x))
    if process.noise is None:
        return x + step
    mean = process.mean(x)
    residual = observed(process, y - mean)
    variance = observed(process, process.noise.variance(mean.detach().clamp(min=0) if not y.is_complex() else mean))
    components = 2 if y.is_complex() else 1  # variance is that of each
    noise = components * variance.abs().flatten(1).sum(dim=1)
    energy = residual.abs().square().flatten(1).sum(dim=1)
    factor = (1 - noise / energy.clamp(min=torch.finfo(energy.dtype).tiny)).clamp(min=0)
    return x + factor.reshape(-1, *[1] * (x.ndim - 1)) * step
