"""Shapes of synthetic lesions: ellipses, smooth noise, a place in the lungs, and numbers drawn from a generator."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def elliptic(height: int, width: int, middle: tuple[int, int], radii: tuple[float, ...], angle: float) -> Tensor:
    """1 on an ellipse, 0 in its middle: (height, width)."""
    rows, columns = grid(height, width)
    up, across = rows - middle[0], columns - middle[1]
    turned = math.cos(angle) * up + math.sin(angle) * across, math.cos(angle) * across - math.sin(angle) * up
    return ((turned[0] / radii[0]) ** 2 + (turned[1] / radii[1]) ** 2).sqrt()


def grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return every pixel's row (height, 1) and column (1, width)."""
    return torch.arange(height).float()[:, None], torch.arange(width).float()[None, :]


def smooth_noise(height: int, width: int, points: int, generator: torch.Generator) -> Tensor:
    """N(0, 1) on points × points, interpolated: (height, width)."""
    drawn = torch.randn(1, 1, points, points, generator=generator)
    return functional.interpolate(drawn, size=(height, width), mode="bicubic", align_corners=True)[0, 0]


def lung_pixel(inside: Tensor, generator: torch.Generator) -> tuple[int, int]:
    """Return a random pixel of the mask; of the image, where the mask is empty."""
    height, width = inside.shape
    found = inside.flatten().nonzero()[:, 0]
    at = int(found[below(len(found), generator)]) if len(found) else below(height * width, generator)
    return at // width, at % width


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """Return a number from low to high."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def blob(inside: Tensor, radii: tuple[float, float], softness: tuple[float, float], rng: torch.Generator) -> Tensor:
    """Draw a soft blob about a random place of the lungs, its edge bent by smooth noise, 0 to 1: (height, width).

    radii, softness: least and most, of the image's height, and of the blob's own size
    """
    height, width = inside.shape
    middle = lung_pixel(inside, rng)
    least, most = (math.log(end) for end in radii)
    size = tuple(math.exp(uniform(least, most, rng)) * height for _ in range(2))
    bent = smooth_noise(height, width, below(5, rng) + 3, rng)
    distance = elliptic(height, width, middle, size, uniform(0, math.pi, rng))
    return torch.sigmoid((1 - distance + 0.4 * bent) / uniform(*softness, rng))


def below(n: int, generator: torch.Generator) -> int:
    """Return a whole number from 0 to n − 1."""
    return int(torch.randint(n, (), generator=generator))
