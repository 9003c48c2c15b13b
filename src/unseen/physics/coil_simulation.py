"""Simulated sensitivities of MRI coils."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def simulated_coils(size: int | tuple[int, int], *, coils: int, radius: float = 1.5) -> Tensor:
    """Return sensitivities of coils in a circle round the image (a birdcage), Σ_c |s_c|² = 1 at every pixel.

    The field of a coil falls with the distance from it, and its phase turns with the angle under which it is seen
    (after sigpy's `birdcage_maps`, Ong & Lustig 2019).

    Args:
        size: of the image, one number or (height, width).
        coils: how many, at least 1.
        radius: of the circle, in half widths of the image; above 1, the coils stand outside the image's edges.

    Returns:
        (coils, height, width), complex64.

    Raises:
        ValueError: coils is below 1, or radius is not above 1.

    Example:
        >>> bool(((simulated_coils(8, coils=3).abs() ** 2).sum(dim=0) - 1).abs().max() < 1e-6)
        True
    """
    if coils < 1 or not radius > 1:
        raise ValueError(f"There is at least 1 coil, at a radius above 1, but got coils={coils}, radius={radius}.")
    height, width = (size, size) if isinstance(size, int) else size
    down = torch.linspace(-1, 1, height, dtype=torch.float64)[:, None]
    right = torch.linspace(-1, 1, width, dtype=torch.float64)[None, :]
    maps = []
    for coil in range(coils):
        angle = 2 * math.pi * coil / coils
        x, y = right - radius * math.cos(angle), down - radius * math.sin(angle)
        distance = (x.square() + y.square()).sqrt()
        maps.append(torch.polar(1 / distance, torch.atan2(y, x) - angle))
    fields = torch.stack(maps)
    return (fields / fields.abs().square().sum(dim=0).sqrt()).to(torch.complex64)
