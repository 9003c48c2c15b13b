"""Lesions put into normal lungs, for a classifier that has never seen an abnormal film: `pasted` and `clouded`.

Both work on masked pictures (batch, 1, size, size) in network units, 0 outside the lungs, and change each picture
inside its mask alone. They share nothing with the phantoms' lesions, which are made of tissue and projected.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def pasted(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """A patch of each picture at another place in its lungs: x (1 − w) + w · patch.

    The patch has 2 to 15 % of the picture's area and a side ratio between 0.3 and 3.3; its brightness is moved by up to
    0.1, its contrast by up to a tenth. w is an ellipse or a rectangle of its size, blurred, times the mask; its middle
    lies on a random lung pixel.

    Source: Sato et al., "Anatomy-aware self-supervised learning for anomaly detection in chest radiographs", iScience
    26 (2023) 107086, "AnatPaste".
    """
    batch, _, height, width = x.shape
    out = []
    for i in range(batch):
        share, ratio = _uniform(0.02, 0.15, generator), math.exp(_uniform(math.log(0.3), math.log(3.3), generator))
        h = min(height - 1, max(2, round(math.sqrt(share * ratio * height * width))))
        w = min(width - 1, max(2, round(math.sqrt(share / ratio * height * width))))
        row, column = _lung_pixel(inside[i, 0], generator)
        top, left = _below(height - h, generator), _below(width - w, generator)
        # the patch's middle moves to (row, column): the whole picture is rolled by that much
        moved = torch.roll(x[i, 0], (row - top - h // 2, column - left - w // 2), dims=(0, 1))
        moved = moved * (1 + _uniform(-0.1, 0.1, generator)) + _uniform(-0.1, 0.1, generator)
        shape = _shape(height, width, (row, column), (h / 2, w / 2), generator).to(x)
        weight = shape * inside[i, 0]
        out.append(x[i, 0] * (1 - weight) + weight * moved)
    return torch.stack(out)[:, None]


def clouded(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """One to four soft, uneven shadows in each picture: x (1 − a w) + a w (l + t).

    w is a random blob, its edge bent by smooth noise, times the mask; a, its density, 0.2 to 0.9; l, its level, 0.1 to
    0.8 network units; t smooth noise. Where it is dense, vessels fade, as they do in a consolidation.
    """
    batch, _, height, width = x.shape
    out = []
    for i in range(batch):
        picture = x[i, 0]
        for _ in range(1 + _below(4, generator)):
            row, column = _lung_pixel(inside[i, 0], generator)
            radii = tuple(math.exp(_uniform(math.log(0.04), math.log(0.25), generator)) * height for _ in range(2))
            bent = _smooth_noise(height, width, _below(5, generator) + 3, generator).to(x)
            distance = _elliptic(height, width, (row, column), radii, _uniform(0, math.pi, generator)).to(x)
            softness = _uniform(0.08, 0.4, generator)
            weight = torch.sigmoid((1 - distance + 0.4 * bent) / softness) * inside[i, 0]
            weight = weight * _uniform(0.2, 0.9, generator)
            texture = 0.1 * _smooth_noise(height, width, _below(12, generator) + 4, generator).to(x)
            picture = picture * (1 - weight) + weight * (_uniform(0.1, 0.8, generator) + texture)
        out.append(picture)
    return torch.stack(out)[:, None].clamp(-1, 1)


def _shape(
    height: int, width: int, middle: tuple[int, int], radii: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """An ellipse or a rectangle of those radii, its edge blurred over a tenth to a half of them: (height, width)."""
    if _below(2, generator):
        distance = _elliptic(height, width, middle, radii, 0.0)
    else:
        rows, columns = _grid(height, width)
        distance = torch.maximum((rows - middle[0]).abs() / radii[0], (columns - middle[1]).abs() / radii[1])
    return torch.sigmoid((1 - distance) / _uniform(0.05, 0.25, generator))


def _elliptic(height: int, width: int, middle: tuple[int, int], radii: tuple[float, ...], angle: float) -> Tensor:
    """1 on an ellipse, 0 in its middle: (height, width)."""
    rows, columns = _grid(height, width)
    up, across = rows - middle[0], columns - middle[1]
    turned = math.cos(angle) * up + math.sin(angle) * across, math.cos(angle) * across - math.sin(angle) * up
    return ((turned[0] / radii[0]) ** 2 + (turned[1] / radii[1]) ** 2).sqrt()


def _grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    return torch.arange(height).float()[:, None], torch.arange(width).float()[None, :]


def _smooth_noise(height: int, width: int, points: int, generator: torch.Generator) -> Tensor:
    """N(0, 1) on points × points, interpolated: (height, width)."""
    drawn = torch.randn(1, 1, points, points, generator=generator)
    return functional.interpolate(drawn, size=(height, width), mode="bicubic", align_corners=True)[0, 0]


def _lung_pixel(inside: Tensor, generator: torch.Generator) -> tuple[int, int]:
    """A random pixel of the mask; of the picture, where the mask is empty."""
    height, width = inside.shape
    found = inside.flatten().nonzero()[:, 0]
    at = int(found[_below(len(found), generator)]) if len(found) else _below(height * width, generator)
    return at // width, at % width


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _below(n: int, generator: torch.Generator) -> int:
    """A whole number from 0 to n − 1."""
    return int(torch.randint(n, (), generator=generator))
