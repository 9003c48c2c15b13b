"""Painted lesions of `lesion-segmentation`, with outlines: nodules, opacities, effusions and pneumothoraces.

All functions change one image (height, width) in network units within its lungs, bool (height, width), and give the
changed image with the outline of the lesion, bool (height, width). The outline is empty without lungs, and where the
lesion is too faint to see.

They work on grey values. The lesions of `unseen.data.phantoms` are tissue in a projected body; no code is shared.
`classifier_lesions` has the lesions of the other detectors, without outlines.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from unseen.anatomy.lesion_shapes import below, blob, grid, lung_pixel, smooth_noise, uniform
from unseen.anatomy.lung_augmentation import one_side


def nodules(image: Tensor, lungs: Tensor, rng: torch.Generator, *, number: int) -> tuple[Tensor, Tensor]:
    """Paint round shadows with the profile of a projected ball, in diameter 0.012 to 0.09 of the image's height.

    The brightness grows with the diameter, as the path through a ball does. Some have edges enhanced, some are soft.

    Args:
        image: (height, width) in network units.
        lungs: bool (height, width).
        rng: draws everything.
        number: how many are painted.

    Returns:
        The changed image and the outlines, bool (height, width).

    Example:
        >>> rng, lungs = torch.Generator().manual_seed(0), torch.ones(64, 64, dtype=torch.bool)
        >>> changed, outline = nodules(torch.zeros(64, 64), lungs, rng, number=2)
        >>> bool(outline.any()), changed.shape
        (True, torch.Size([64, 64]))
    """
    height, width = image.shape
    changed, outline = image.clone(), torch.zeros_like(lungs)
    for _ in range(number):
        diameter = math.exp(uniform(math.log(0.012), math.log(0.09), rng)) * height
        brightness = math.exp(uniform(math.log(0.6), math.log(4.0), rng)) * diameter / height
        row, column = lung_pixel(lungs, rng)
        reach = math.ceil(0.75 * diameter) + 3
        top, left = max(0, row - reach), max(0, column - reach)
        part = (slice(top, min(height, row + reach + 1)), slice(left, min(width, column + reach + 1)))
        rows, columns = grid(height, width)
        up = rows[part[0]] - row - uniform(-0.5, 0.5, rng)
        across = columns[:, part[1]] - column - uniform(-0.5, 0.5, rng)
        turn = torch.atan2(up, across)
        lobes = sum(uniform(0.0, 0.09, rng) * torch.cos(k * turn + uniform(0.0, 2 * math.pi, rng)) for k in (2, 3, 4))
        away = (up.square() + across.square()).sqrt() / (0.5 * diameter * (1 + lobes))
        profile = (1 - away.square()).clamp(min=0).sqrt()
        if below(4, rng) == 0:  # a dense core in a faint rim
            core = uniform(0.3, 0.7, rng)
            profile = 0.3 * profile + 0.7 * core * (1 - (away / core).square()).clamp(min=0).sqrt()
        soft = _softened(profile, uniform(0.3, 1.0, rng))
        soft = soft + uniform(0.0, 1.0, rng) * (soft - _softened(soft, 0.0042 * height))
        inside = lungs[part]
        changed[part] = changed[part] + brightness * soft * inside
        outline[part] |= (away < 1) & inside
    return changed, outline


def opacity(image: Tensor, lungs: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Paint one uneven opacity of several soft blobs, as bright as tissue where it is dense; vessels fade in it."""
    height, width = image.shape
    weight = torch.zeros_like(image)
    first = blob(lungs, (0.025, 0.16), (0.1, 0.5), rng)
    weight = torch.maximum(weight, first)
    if below(2, rng):
        weight = torch.maximum(weight, blob(lungs & (first > 0.05), (0.02, 0.1), (0.1, 0.5), rng))
    if below(2, rng):  # a straight edge, as at a fissure
        rows, columns = grid(height, width)
        row, column = lung_pixel(lungs & (first > 0.3), rng)
        edge = (rows - row) + uniform(-0.2, 0.2, rng) * (columns - column)
        weight = weight * torch.sigmoid(edge * (1 if below(2, rng) else -1) / uniform(0.5, 3.0, rng))
    weight = weight * (1 + 0.25 * smooth_noise(height, width, below(30, rng) + 8, rng)).clamp(0.2, 1.5)
    weight = (weight * uniform(0.15, 1.0, rng)).clamp(0, 1) * lungs
    return _towards(image, weight, _tissue(image, lungs, rng)), weight > 0.1


def effusion(image: Tensor, lungs: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Paint fluid into one lung from its base up to a level that climbs towards the chest wall."""
    lung, found = _one_lung(lungs, rng)
    if len(found) == 0:
        return image, torch.zeros_like(lungs)
    height, width = image.shape
    top, bottom = _rows_of(found)
    down, columns = grid(height, width)
    outward = ((columns - width / 2) / max(1.0, float((found[:, 1] - width / 2).abs().max()))).abs().clamp(max=1.1)
    level = bottom - math.exp(uniform(math.log(0.05), math.log(0.8), rng)) * (bottom - top)
    climb = uniform(0.03, 0.3, rng) * (bottom - top) * (outward**4 + 0.35 * (1 - outward) ** 4)
    edge = down - level + climb + 0.01 * height * smooth_noise(height, width, 4, rng)
    weight = torch.sigmoid(edge / (0.5 + uniform(0.01, 0.15, rng) * (bottom - top)))
    weight = weight * uniform(0.4, 1.0, rng) * lung
    return _towards(image, weight, _tissue(image, lungs, rng)), weight > 0.1


def pneumothorax(image: Tensor, lungs: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Paint air between one lung and the chest wall: darker, without vessels, bounded by a thin bright line."""
    lung, found = _one_lung(lungs, rng)
    if len(found) == 0:
        return image, torch.zeros_like(lungs)
    height, width = image.shape
    top, bottom = _rows_of(found)
    rows, columns = grid(height, width)
    left = float(found[:, 1].float().mean()) < width / 2
    # the outer edge of the lung in each row
    place = columns.expand(height, width)
    outer = torch.where(lung, place, width if left else -1.0)
    wall = outer.amin(1) if left else outer.amax(1)
    known = lung.any(1)
    inner = torch.where(lung, place, -1.0).amax(1) if left else torch.where(lung, place, float(width)).amin(1)
    down = ((rows[:, 0] - top) / max(1, bottom - top)).clamp(0, 1)
    rim = math.exp(uniform(math.log(0.010), math.log(0.11), rng)) * height
    margin = rim * (1 + uniform(0.4, 1.2, rng) * (0.45 - down)).clamp(0.1, 1.6)
    inwards = (place - wall[:, None]) if left else (wall[:, None] - place)
    reach = (inner - wall).abs()[:, None].clamp(min=1)
    apex = rim * uniform(0.8, 1.7, rng)
    ahead = torch.minimum(margin[:, None] - inwards, 0.9 * reach - inwards)  # > 0: beyond the line
    ahead = torch.maximum(ahead, top + apex * (1 - 0.6 * (inwards / reach).clamp(0, 1)) - rows)
    ahead = _softened(torch.where(known[:, None], ahead, -float(height)).clamp(-20, 20), 0.9)
    beyond = torch.sigmoid(2 * ahead) * lung
    smooth = _softened(image, uniform(0.008, 0.02, rng) * height)
    dark = uniform(0.01, 0.12, rng)
    weight = beyond * uniform(0.6, 1.0, rng)
    changed = image * (1 - weight) + weight * (smooth - dark)
    line = torch.exp(-0.5 * (ahead / uniform(0.4, 1.0, rng)).square()) * lung * known[:, None]
    changed = changed + uniform(0.01, 0.10, rng) * line
    return changed, (beyond > 0.5) & lung


def _one_lung(lungs: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Select one of the lungs, bool (height, width), and the places of its pixels (pixels, 2); none without lungs."""
    lung = one_side(lungs, rng)
    return lung, lung.nonzero()


def _rows_of(found: Tensor) -> tuple[int, int]:
    """Return the first row of some places, and the row after the last."""
    return int(found[:, 0].min()), int(found[:, 0].max()) + 1


def _tissue(image: Tensor, lungs: Tensor, rng: torch.Generator) -> float:
    """Draw a brightness of the tissue around the lungs."""
    step = max(1, image.shape[0] // 64)
    few = lungs[::step, ::step]
    near = functional.max_pool2d(few.float()[None, None], 7, 1, 3)[0, 0] > 0
    around = image[::step, ::step][near & ~few]
    return float(around.quantile(uniform(0.3, 0.9, rng))) if len(around) else 0.3


def _towards(image: Tensor, weight: Tensor, white: float) -> Tensor:
    """image (1 − w) + w white, where that is brighter."""
    return torch.maximum(image, image * (1 - weight) + weight * white)


def _softened(image: Tensor, sigma: float) -> Tensor:
    """Blur by a Gaussian of `sigma` pixels; the edge is repeated."""
    reach = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-reach, reach + 1).to(image)
    weights = torch.exp(-offsets.square() / (2 * sigma**2))
    weights = weights / weights.sum()
    wide = functional.pad(image[None, None], (reach,) * 4, mode="replicate")
    wide = functional.conv2d(wide, weights.view(1, 1, 1, -1))
    return functional.conv2d(wide, weights.view(1, 1, -1, 1))[0, 0]
