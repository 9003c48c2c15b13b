"""Noise level σ and finite difference τ of SURE, shared by the detectors that train by it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from unseen.detectors.errors import FitError
from unseen.physics.gaussian_noise import Gaussian
from unseen.training.settings import Training

# Measured: unbiased under autocast at 1e-2 (tests of `losses.sure`); at 1e-3 the variance doubles.
_LEAST_TAU_BF16 = 1e-2

Sigma = Annotated[
    float | None,
    Field(ge=0, description="σ of the films' noise; None: estimated", json_schema_extra={"unit": "network units"}),
]
Tau = Annotated[
    float, Field(gt=0, description="step of the finite difference", json_schema_extra={"unit": "network units"})
]


def check_tau(tau: float, training: Training) -> None:
    """Raise FitError if the training's rounding errors exceed the finite difference of SURE.

    Args:
        tau: τ, in network units.
        training: settings of the training.

    Example:
        >>> check_tau(1e-2, Training(precision="bf16"))
    """
    if training.precision == "bf16" and tau < _LEAST_TAU_BF16:
        raise FitError(
            f"method.tau is {tau:g}: under bf16 rounding errors exceed its finite difference. Take "
            f'{_LEAST_TAU_BF16:g} or more, or training.precision = "fp32"'
        )


def noise_level(images: Tensor, sigma: float | None) -> dict[str, float]:
    """Return the noise level of the films, estimated and as SURE takes it.

    Args:
        images: training films, (n, 1, size, size), in network units.
        sigma: σ of the settings; None: the estimate is taken.

    Returns:
        `estimated_sigma`, the median over the films, and `sigma`.

    Example:
        >>> import torch
        >>> noise_level(torch.zeros(2, 1, 32, 32), 0.1)
        {'estimated_sigma': 0.0, 'sigma': 0.1}
    """
    estimated = float(Gaussian.estimate(images).median())
    return {"estimated_sigma": estimated, "sigma": estimated if sigma is None else sigma}
