"""Images that a group carries without loss: where it interpolates, smooth ones of the inscribed disc."""

import math

import torch
from torch import Tensor

from unseen.physics.tensor_products import Shape

BAND = 0.4  # cycles a pixel; three shears alias from 0.46 on, linear interpolation weakens what is above
EDGE = 0.8  # of the disc's radius, from where images fade to zero


LEAST = 8  # pixels a side: smaller images have no disc to speak of


def faithful(x: Tensor, *, smooth: bool = True) -> Tensor:
    """Return the part of images that rotations and their like neither cut off nor alias.

    Args:
        x: (batch, …, height, width).
        smooth: low-pass them too; else they are kept from being cut off, and may be aliased.

    Returns:
        x, low-passed to 0.4 cycles a pixel and faded out towards the edge of the inscribed disc; unchanged if smaller
        than 8 pixels a side.
    """
    if x.ndim < 3 or min(x.shape[-2:]) < LEAST:
        return x
    fading = ((radius(x.shape[-2:], x.device) - EDGE) / (1 - EDGE)).clamp(0, 1)
    window = torch.cos(math.pi / 2 * fading).square().to(x.dtype)
    if not smooth:
        return x * window
    frequencies = [torch.fft.fftfreq(size, dtype=torch.float64, device=x.device) for size in x.shape[-2:]]
    low = torch.fft.ifft2(torch.fft.fft2(x) * (torch.hypot(frequencies[0][:, None], frequencies[1]) <= BAND))
    carried: Tensor = window * (low if x.is_complex() else low.real)
    return carried


def radius(shape: Shape, device: torch.device) -> Tensor:
    """Return the distance of each pixel from the centre, 1 at the edge of the inscribed disc: (height, width),
    float64.
    """
    rows, columns = (
        torch.arange(size, dtype=torch.float64, device=device) - (size - 1) / 2 for size in (shape[-2], shape[-1])
    )
    return torch.hypot(rows[:, None], columns) / (min(shape[-2:]) / 2)
