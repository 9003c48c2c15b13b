"""Augmentation of a lung finder's training images, so that it outlines lungs that are partly hidden.

A finder that has seen healthy lungs alone follows their edges, and leaves an opacity or an effusion outside: then no
detector sees the lesion. So opacities and effusions as bright as the tissue around the lungs are painted into the
images, while the masks stay whole. `varied` moves the lungs and changes the exposure.

All work on one image (height, width) in network units, −1 to 1, and its mask, bool (height, width).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from unseen.anatomy.lesion_shapes import below, blob, grid, smooth_noise, uniform


def augmented(
    images: Tensor, masks: Tensor, *, painted: float, varied: bool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return a batch (n, 1, size, size) and its masks, each film changed on its own.

    Args:
        painted: the share of films into which a lesion is painted, 0 to 1.
    """
    made = []
    for image, mask in zip(images[:, 0], masks[:, 0], strict=True):
        if varied:
            image, mask = _moved(image, mask, generator)
            image = _exposed(image, generator)
        if uniform(0, 1, generator) < painted and bool(mask.any()):
            paint = (with_effusion, with_opacities)[below(2, generator)]
            image = paint(image, mask, generator)
        made.append((image, mask))
    return torch.stack([one for one, _ in made])[:, None], torch.stack([one for _, one in made])[:, None]


def with_effusion(image: Tensor, mask: Tensor, rng: torch.Generator) -> Tensor:
    """Whiten one lung from its base up to a level, from a tenth of its height to all of it, higher at the
    chest wall.
    """
    lung = one_side(mask, rng)
    rows, columns = lung.any(1).nonzero()[:, 0], lung.any(0).nonzero()[:, 0]
    if len(rows) == 0:
        return image
    height, width = image.shape
    top, bottom, middle = float(rows[0]), float(rows[-1]) + 1, width / 2
    down, across = (places.to(image) for places in grid(height, width))
    outward = ((across - middle) / max(1.0, float((columns - middle).abs().max()))).abs().clamp(max=1.2)
    level = bottom - uniform(0.1, 1.0, rng) * (bottom - top)
    climb = uniform(0.05, 0.35, rng) * (bottom - top) * outward**3
    uneven = 0.03 * height * smooth_noise(height, width, 4, rng).to(image)
    white = torch.sigmoid((down - level + climb + uneven) / (0.5 + uniform(0.01, 0.12, rng) * (bottom - top)))
    return _painted(image, white * uniform(0.6, 1.0, rng), lung, _tissue(image, mask, rng), rng)


def with_opacities(image: Tensor, mask: Tensor, rng: torch.Generator) -> Tensor:
    """Draw one or two soft opacities, from small ones to some that fill a lung."""
    white = _tissue(image, mask, rng)
    for _ in range(1 + below(2, rng)):
        place = one_side(mask, rng) if below(2, rng) else mask
        weight = blob(place, (0.06, 0.35), (0.05, 0.35), rng).to(image) * uniform(0.5, 1.0, rng)
        image = _painted(image, weight, mask, white, rng)
    return image


def one_side(mask: Tensor, rng: torch.Generator) -> Tensor:
    """Return the part of the mask left or right of the column, in its middle third, where it is thinnest.

    >>> two = torch.zeros(8, 12, dtype=torch.bool)
    >>> two[2:6, 1:5] = two[1:7, 7:11] = True
    >>> int(one_side(two, torch.Generator().manual_seed(0)).sum()) in (16, 24)
    True
    """
    columns = mask.any(0).nonzero()[:, 0]
    if len(columns) == 0:
        return mask
    first, last = int(columns[0]), int(columns[-1])
    start = first + (last - first) // 3
    thickness = mask[:, start : last - (last - first) // 3 + 1].sum(0)
    thinnest = (thickness == thickness.min()).nonzero()[:, 0]
    parting = start + int(thinnest[len(thinnest) // 2])
    kept = torch.zeros_like(mask)
    if below(2, rng):
        kept[:, :parting] = True
    else:
        kept[:, parting:] = True
    return mask & kept


def _painted(image: Tensor, weight: Tensor, lungs: Tensor, white: float, rng: torch.Generator) -> Tensor:
    """image (1 − w) + w (white + texture), w the weight within the lungs and a little beyond their edge."""
    height, width = image.shape
    near = functional.avg_pool2d(_grown(lungs, max(1, height // 48)).to(image)[None, None], 5, 1, 2)[0, 0]
    texture = 0.06 * smooth_noise(height, width, below(10, rng) + 4, rng).to(image)
    weight = weight * near
    return (image * (1 - weight) + weight * (white + texture)).clamp(-1, 1)


def _tissue(image: Tensor, mask: Tensor, rng: torch.Generator) -> float:
    """Return a brightness like that of the tissue around the lungs."""
    around = image[_grown(mask, max(2, image.shape[0] // 24)) & ~mask]
    level = float(around.quantile(uniform(0.4, 0.9, rng))) if len(around) else 0.3
    return level + uniform(-0.1, 0.2, rng)


def _grown(mask: Tensor, by: int) -> Tensor:
    return functional.max_pool2d(mask.float()[None, None], 2 * by + 1, 1, by)[0, 0] > 0


def _moved(image: Tensor, mask: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn both by up to 7°, scale them by up to an eighth and move them by up to a 25th.

    The film's edge is repeated.
    """
    angle, scale = uniform(-0.12, 0.12, rng), uniform(0.88, 1.12, rng)
    wide = scale * uniform(0.93, 1.07, rng)
    there = torch.tensor(
        [
            [math.cos(angle) * wide, -math.sin(angle) * scale, uniform(-0.08, 0.08, rng)],
            [math.sin(angle) * wide, math.cos(angle) * scale, uniform(-0.08, 0.08, rng)],
        ]
    ).to(image)
    places = functional.affine_grid(there[None], [1, 1, *image.shape], align_corners=False)
    moved = functional.grid_sample(image[None, None], places, padding_mode="border", align_corners=False)
    masked = functional.grid_sample(mask.to(image)[None, None], places, align_corners=False)
    return moved[0, 0], masked[0, 0] > 0.5


def _exposed(image: Tensor, rng: torch.Generator) -> Tensor:
    """Change contrast and brightness, and add noise one time in three."""
    image = image + uniform(-0.25, 0.25, rng) * (image**2 - 0.2)
    image = image * uniform(0.85, 1.15, rng) + uniform(-0.1, 0.1, rng)
    if below(3, rng) == 0:
        image = image + uniform(0, 0.05, rng) * torch.randn(image.shape, generator=rng).to(image)
    return image.clamp(-1, 1)
