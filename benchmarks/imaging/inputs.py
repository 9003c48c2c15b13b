"""Inputs of all contenders: the same images, masks and coils, from the same seeds, by torch alone."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

COILS = 8
ACCELERATION = 4
NOISE = 0.1
STEPS = {"EI step": 2, "REI step": 3, "REI step, shared pass": 2}
"""Training step → the network's passes in it."""


def images(batch: int, size: int, *, seed: int) -> Tensor:
    """Twelve soft ellipses on each, of values between 0 and about 1 in steps of 12 bits, as films have them: (batch, 1,
    size, size), float32. The steps keep out numbers below float32's normal ones, which some processors are slow at.

    Another seed shifts them and changes their brightness a little: new numbers, made quickly.
    """
    shift = (7 * seed % size, 13 * seed % size)
    return torch.roll(_ellipses(batch, size), shift, dims=(-2, -1)) * (1 + 0.1 * math.sin(seed))


@lru_cache(maxsize=4)
def _ellipses(batch: int, size: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    axis = torch.linspace(-1, 1, size)
    rows, columns = axis[:, None], axis[None, :]
    result = torch.zeros(batch, 1, size, size)
    for image in result:
        image[0] = 0.5 * (rows**2 + columns**2 < 0.8)
        for _ in range(12):
            top, left, high, wide, value = torch.rand(5, generator=rng).tolist()
            distance = ((rows - 1.2 * top + 0.6) / (0.05 + 0.3 * high)) ** 2
            distance = distance + ((columns - 1.2 * left + 0.6) / (0.05 + 0.3 * wide)) ** 2
            image[0] += 0.4 * (value - 0.5) * torch.sigmoid((1 - distance) * size / 16)
    return (4096 * result).round() / 4096


def complex_pictures(batch: int, size: int, *, seed: int) -> Tensor:
    """Return the same with a smooth phase: (batch, 1, size, size), complex64."""
    axis = torch.linspace(-1, 1, size)
    phase = 0.8 * axis[:, None] * axis[None, :] + 0.3 * seed
    return torch.polar(images(batch, size, seed=seed).clamp(min=0), phase.expand(batch, 1, size, size).contiguous())


def sampled_columns(size: int) -> Tensor:
    """A Cartesian mask, the zero frequency in its middle: (size, size), float32; a quarter of the columns."""
    rng = torch.Generator().manual_seed(0)
    middle = max(2, size * 8 // 100)
    columns = torch.zeros(size)
    first = (size - middle) // 2
    columns[first : first + middle] = 1
    others = torch.randperm(size, generator=rng)
    free = others[columns[others] == 0][: max(0, size // ACCELERATION - middle)]
    columns[free] = 1
    return columns.expand(size, size).contiguous()


def coil_maps(size: int) -> Tensor:
    """Eight coils around the image, Σ|s|² = 1: (8, size, size), complex64."""
    axis = torch.linspace(-1, 1, size)
    angle = torch.arange(COILS) * 2 * torch.pi / COILS
    down = axis[None, :, None] - 1.2 * angle.sin()[:, None, None]
    right = axis[None, None, :] - 1.2 * angle.cos()[:, None, None]
    maps = torch.polar(torch.exp(-(down**2 + right**2) / 1.5), down * right + angle[:, None, None])
    return maps / maps.abs().square().sum(dim=0, keepdim=True).sqrt()


def blurring_kernel() -> Tensor:
    """A Gaussian of sigma 2: (17, 17), float32."""
    place = torch.arange(-8, 9, dtype=torch.float64)
    line = torch.exp(-(place**2) / 8)
    return (torch.outer(line, line) / line.sum() ** 2).float()


def kept_pixels(size: int) -> Tensor:
    """70 % of the pixels: (1, size, size), bool."""
    return torch.rand(1, size, size, generator=torch.Generator().manual_seed(0)) < 0.7


def noise_like(y: Tensor, *, seed: int, sigma: float = 0.01) -> Tensor:
    """Gaussian noise of `sigma` times y's root mean square."""
    rng = torch.Generator().manual_seed(1_000_000 + seed)
    scale = sigma * (y.abs() ** 2).mean().sqrt()
    return scale * torch.randn(y.shape, generator=rng, dtype=y.dtype)
