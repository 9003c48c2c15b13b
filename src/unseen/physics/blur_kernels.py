"""Kernels of blur."""

import math

import torch
from torch import Tensor


def gaussian_kernel(sigma: float, *, truncate: float = 4.0) -> Tensor:
    """Return a Gaussian that sums to 1, cut off at `truncate` standard deviations: square, odd sides, float64.

    Args:
        sigma: standard deviation, > 0, in pixels.
        truncate: > 0.

    Raises:
        ValueError: sigma or truncate is not finite and above 0.

    Example:
        >>> gaussian_kernel(1.0).shape
        torch.Size([9, 9])
    """
    if not (math.isfinite(sigma) and sigma > 0 and math.isfinite(truncate) and truncate > 0):
        raise ValueError(f"sigma and truncate are finite and above 0, but got {sigma} and {truncate}.")
    radius = max(1, round(truncate * sigma))
    bell = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / sigma).square())
    return torch.outer(bell, bell) / bell.sum().square()
