"""Estimates of a risk beside the loss that they estimate, draw by draw: what the tests of unbiasedness share.

Each draw of noise gives an estimate, from y alone, and the loss, from the truth. Their difference has mean zero if
and only if the estimate is unbiased.

Power: at |z| > 3.5 a bias of 5.15 standard errors is found with probability 0.95, and an unbiased estimate is wrongly
refused with probability 0.0005. With a standard error of at most 5 % of the divergence term, a bias of 26 % of that
term would be found; as a rule it is under 1 %, and 5 % are found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_Z = 3.5


@dataclass(frozen=True)
class Paired:
    """Over all draws: the mean difference between estimate and loss over its standard error, and the sizes."""

    z: float
    bias: float
    standard_error: float
    divergence: float
    risk: float

    def assert_unbiased(self) -> None:
        self.assert_precise()
        assert abs(self.z) < LARGEST_Z, self

    def assert_precise(self) -> None:
        """The net passes noise on, and the test would see if the term that says so were wrong."""
        assert self.divergence >= 0.2 * self.risk, self
        assert self.standard_error <= 0.05 * self.divergence, self


def paired(draw: Callable[[int], tuple[Tensor, Tensor, Tensor]], batches: int) -> Paired:
    """`draw(seed)` gives (batch,) estimates, losses, and what the estimate takes off for copied noise."""
    with torch.no_grad():
        estimate, loss, divergence = (
            torch.cat(parts).double() for parts in zip(*map(draw, range(batches)), strict=True)
        )
    difference = estimate - loss
    standard_error = float(difference.std() / len(difference) ** 0.5)
    return Paired(
        z=float(difference.mean()) / standard_error,
        bias=float(difference.mean()),
        standard_error=standard_error,
        divergence=float(divergence.mean()),
        risk=float(loss.mean()),
    )


def image(size: int, channels: int = 1) -> Tensor:
    """Values from 0.2 to 0.9: (1, channels, size, size), float64."""
    axis = torch.linspace(-1, 1, size, dtype=torch.float64)
    one = 0.55 + 0.2 * torch.cos(3 * axis)[:, None] + 0.15 * torch.sin(5 * axis)[None]
    return torch.stack([one if channel % 2 == 0 else one.T for channel in range(channels)])[None]


def blurred(x: Tensor, centre: float) -> Tensor:
    """Return a slight blur that passes most of the noise on; of two channels, each takes a little of the other."""
    around = (1 - centre) / 8
    kernel = torch.full((3, 3), around, dtype=x.dtype)
    kernel[1, 1] = centre
    channels = x.shape[1]
    mixing = torch.eye(channels, dtype=x.dtype) + 0.05 * (1 - torch.eye(channels, dtype=x.dtype))
    return F.conv2d(x, mixing[:, :, None, None] * kernel, padding=1)


def linear(x: Tensor) -> Tensor:
    """Return the blur alone."""
    return blurred(x, 0.72)


def smooth(x: Tensor) -> Tensor:
    """Return the blur bent by a softplus: near the identity on `image`, its second derivative up to 1.8."""
    return 0.2 * F.softplus(6 * (linear(x) - 0.5)) + 0.3


NETWORKS = {"linear": linear, "smooth": smooth}


def faint(x: Tensor) -> Tensor:
    """Less of a blur, so that its bias is small beside faint noise."""
    return blurred(x, 0.95)


def wavy(x: Tensor) -> Tensor:
    """`faint` bent by a sine: its derivative goes from 0.6 to 1.3."""
    return faint(x) + 0.05 * torch.sin(8 * x)


FAINT_NETWORKS = {"linear": faint, "smooth": wavy}
