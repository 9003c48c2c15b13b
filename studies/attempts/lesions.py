"""Synthetic lesions like tuberculosis and pneumonia: cavities, fibrosis, miliary disease, nodules, consolidation.

All functions take masked, aligned crops of the lungs (batch, 1, size, size) in network units, 0 outside the lungs, as
those of `unseen.detectors.classifier_lesions` do, and change each image only inside its mask. The crop's height is
about that of the lungs, some 270 mm in adults; lengths are in millimetres and converted by it.

- `cavities`: one or two rings in an upper zone, wall 2 to 15 mm, in an infiltrate, with satellite nodules.
- `apical_fibrosis`: strands from the hilum to one apex, an apical cap, and upward traction of the lung.
- `miliary`: hundreds of nodules of 1 to 3 mm, evenly over both lungs.
- `acinar_nodules`: 8 to 40 nodules of 4 to 10 mm in one or two clusters (bronchogenic spread).
- `lobar`: an even opacity of one lobe with a straight border at a fissure, without vessels, with air bronchograms.

Sources of the morphology: A. Nachiappan et al., "Pulmonary tuberculosis: role of radiology in diagnosis and
management", RadioGraphics 37 (2017) 52 (upper zones, cavities, satellite nodules, fibrosis with volume loss, miliary
pattern); D. Hansell et al., "Fleischner Society: glossary of terms for thoracic imaging", Radiology 246 (2008) 697
(sizes of nodules and acinar nodules, walls of cavities, consolidation, air bronchogram, apical cap). They are drawn
after these descriptions and were compared with no film.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from unseen.anatomy.lesion_shapes import below, blob, elliptic, grid, lung_pixel, smooth_noise, uniform
from unseen.anatomy.lung_augmentation import one_side

LUNG_MM = 270.0
"""Height of the crop in millimetres."""
UPPER = 0.4
"""Share of a lung's height, from its top, that counts as its upper zone."""

Painter = Callable[[Tensor, Tensor, torch.Generator], Tensor]


def cavities(image: Tensor, lungs: Tensor, rng: torch.Generator) -> Tensor:
    """Paint one or two cavities into one upper zone: image and mask (height, width) → changed image."""
    height, width = image.shape
    zone = upper_zone(one_side(lungs, rng))
    weight = blob(zone, (0.06, 0.14), (0.2, 0.6), rng) * uniform(0.2, 0.6, rng)
    changed = _denser(image, weight * lungs, uniform(0.2, 0.6, rng))
    for _ in range(1 + below(2, rng)):
        radius = uniform(8, 25, rng) / LUNG_MM * height
        wall = uniform(2, min(15, 0.6 * radius * LUNG_MM / height), rng) / LUNG_MM * height / radius
        radii = tuple(radius * uniform(0.8, 1.2, rng) for _ in range(2))
        away = elliptic(height, width, lung_pixel(zone, rng), radii, uniform(0, math.pi, rng))
        away = away + 0.08 * smooth_noise(height, width, 7, rng)
        edge = 1.0 / max(2.0, radius)  # a pixel
        hole = torch.sigmoid((1 - wall - away) / edge)
        ring = torch.sigmoid((1 - away) / (2 * edge)) - hole
        changed = changed + (uniform(0.25, 0.6, rng) * ring - uniform(0.1, 0.3, rng) * hole) * lungs
    near = _near(zone, 0.06 * height) & lungs
    return _spots(changed, near, below(10, rng), (2, 6), (0.1, 0.35), rng)


def apical_fibrosis(image: Tensor, lungs: Tensor, rng: torch.Generator) -> Tensor:
    """Paint strands, a cap and traction into one upper zone: image and mask (height, width) → changed image."""
    height, width = image.shape
    lung = one_side(lungs, rng)
    zone = upper_zone(lung)
    rows = grid(height, width)[0]
    top, bottom = _rows_of(zone)
    depth = ((rows - top) / max(1, bottom - top)).clamp(0, 1).expand(height, width)
    pull = uniform(0.02, 0.07, rng) * (1 - depth) * depth * 4 * lung  # the lung moves up towards its apex
    across = torch.linspace(-1, 1, width).expand(height, width)
    down = torch.linspace(-1, 1, height)[:, None].expand(height, width)
    places = torch.stack([across, down + 2 * pull], dim=-1)[None]
    changed = functional.grid_sample(image[None, None], places, align_corners=True, padding_mode="border")[0, 0]
    middle = width / 2
    inner = float((zone.nonzero()[:, 1].float() - middle).abs().amin()) if zone.any() else 0.0
    sign = -1.0 if zone.any() and float(zone.nonzero()[:, 1].float().mean()) < middle else 1.0
    strands = torch.zeros_like(image)
    for _ in range(4 + below(9, rng)):
        end = lung_pixel(zone, rng)
        start = bottom + uniform(-0.05, 0.05, rng) * height, middle + sign * (inner + uniform(0.0, 0.1, rng) * width)
        strands = torch.maximum(strands, _strand(height, width, start, end, uniform(0.5, 1.6, rng), rng))
    changed = changed + uniform(0.2, 0.5, rng) * strands * lung
    haze = blob(zone, (0.05, 0.14), (0.3, 0.8), rng) * uniform(0.1, 0.5, rng)
    changed = _denser(changed, haze * lung, uniform(0.2, 0.6, rng))
    if below(2, rng):  # apical cap: a band of up to 5 to 15 mm along the apex
        thick = uniform(5, 15, rng) / LUNG_MM * height
        cap = torch.sigmoid((thick - (rows - top)) / (0.25 * thick)).expand(height, width)
        changed = _denser(changed, cap * uniform(0.4, 0.9, rng) * lung, uniform(0.3, 0.7, rng))
    return changed


def miliary(image: Tensor, lungs: Tensor, rng: torch.Generator) -> Tensor:
    """Paint 200 to 900 nodules of 1 to 3 mm over both lungs: image and mask (height, width) → changed image."""
    return _spots(image, lungs, 200 + below(701, rng), (1, 3), (0.1, 0.35), rng)


def acinar_nodules(image: Tensor, lungs: Tensor, rng: torch.Generator) -> Tensor:
    """Paint clusters of nodules of 4 to 10 mm: image and mask (height, width) → changed image."""
    changed = image
    for _ in range(1 + below(2, rng)):
        cluster = (blob(lungs, (0.06, 0.2), (0.1, 0.4), rng) > 0.5) & lungs
        if cluster.any():
            changed = _spots(changed, cluster, 8 + below(33, rng), (4, 10), (0.1, 0.4), rng)
    return changed


def lobar(image: Tensor, lungs: Tensor, rng: torch.Generator) -> Tensor:
    """Paint a consolidation of one lobe up to a fissure: image and mask (height, width) → changed image."""
    height, width = image.shape
    lung = one_side(lungs, rng)
    rows, columns = grid(height, width)
    top, bottom = _rows_of(lung)
    level = top + uniform(0.35, 0.65, rng) * (bottom - top)
    slant = uniform(-0.35, 0.35, rng) * (columns - width / 2)
    side = 1.0 if below(2, rng) else -1.0  # the lobe below or above the fissure
    weight = torch.sigmoid(side * (rows - level - slant) / uniform(1.0, 4.0, rng))
    far = uniform(0.3, 1.0, rng) * (bottom - top)  # it may fade away from the fissure
    weight = weight * torch.sigmoid((far - (rows - level - slant).abs()) / (0.15 * height))
    weight = weight * (1 + 0.15 * smooth_noise(height, width, 8 + below(10, rng), rng)).clamp(0.4, 1.3)
    weight = (weight * uniform(0.35, 0.9, rng)).clamp(0, 1) * lung
    changed = _denser(image, weight, uniform(0.3, 0.8, rng))
    tubes = torch.zeros_like(image)
    solid = (weight > 0.3) & lung
    if solid.any():
        for _ in range(2 + below(5, rng)):  # air bronchograms
            ends = lung_pixel(solid, rng), lung_pixel(solid, rng)
            tubes = torch.maximum(tubes, _strand(height, width, ends[0], ends[1], uniform(0.6, 1.4, rng), rng))
    return changed - uniform(0.1, 0.3, rng) * tubes * weight


PAINTERS: tuple[tuple[str, Painter], ...] = (
    ("cavities", cavities),
    ("apical fibrosis", apical_fibrosis),
    ("miliary", miliary),
    ("acinar nodules", acinar_nodules),
    ("lobar consolidation", lobar),
)


def tuberculous(x: Tensor, inside: Tensor, *, generator: torch.Generator, first: int = 0) -> Tensor:
    """Paint a lesion into each image, the painters in turn.

    Args:
        x: masked crops (batch, 1, size, size) in network units.
        inside: their masks, bool, of the same shape.
        generator: draws everything.
        first: painter of the first image.

    Returns:
        The changed crops, in [−1, 1], unchanged outside the masks.

    Example:
        >>> lungs = torch.zeros(5, 1, 64, 64, dtype=torch.bool)
        >>> lungs[:, :, 4:60, 4:28] = lungs[:, :, 4:60, 36:60] = True
        >>> changed = tuberculous(torch.zeros(5, 1, 64, 64), lungs, generator=torch.Generator().manual_seed(0))
        >>> bool(changed[~lungs].any()), [bool(one.any()) for one in changed]
        (False, [True, True, True, True, True])
    """
    out = []
    for number, (image, mask) in enumerate(zip(x[:, 0], inside[:, 0], strict=True)):
        painter = PAINTERS[(first + number) % len(PAINTERS)][1]
        out.append(torch.where(mask, painter(image, mask, generator), image) if mask.any() else image)
    return torch.stack(out)[:, None].clamp(-1, 1)


def upper_zone(lung: Tensor) -> Tensor:
    """Return the part of a mask in the uppermost `UPPER` of its rows; bool, of the same shape."""
    top, bottom = _rows_of(lung)
    rows = torch.arange(lung.shape[0])[:, None]
    return lung & (rows < top + UPPER * (bottom - top))


def _rows_of(mask: Tensor) -> tuple[int, int]:
    found = mask.any(1).nonzero()[:, 0]
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, mask.shape[0])


def _denser(image: Tensor, weight: Tensor, white: float) -> Tensor:
    """image (1 − w) + w · white, and never darker than before."""
    return torch.maximum(image, image * (1 - weight) + weight * white)


def _near(mask: Tensor, reach: float) -> Tensor:
    size = 2 * round(reach) + 1
    return functional.max_pool2d(mask.float()[None, None], size, 1, size // 2)[0, 0] > 0


def _spots(
    image: Tensor,
    where: Tensor,
    number: int,
    diameter: tuple[float, float],
    strength: tuple[float, float],
    rng: torch.Generator,
) -> Tensor:
    """Add round spots of some diameters in mm at random places of a mask, all with the profile of a Gaussian."""
    places = where.flatten().nonzero()[:, 0]
    if number == 0 or len(places) == 0:
        return image
    height, width = image.shape
    added = torch.zeros(height * width)
    sizes = torch.empty(number).uniform_(*diameter, generator=rng)
    drawn = places[torch.randint(len(places), (number,), generator=rng)]
    out = image
    for low in torch.linspace(*diameter, 4)[:-1]:  # three steps of size, one blur each
        step = (diameter[1] - diameter[0]) / 3
        chosen = drawn[(sizes >= low) & (sizes < low + step + 1e-6)]
        if len(chosen) == 0:
            continue
        added.zero_()
        added.index_add_(0, chosen, 0.6 + 0.4 * torch.rand(len(chosen), generator=rng))
        sigma = max(0.5, float(low + step / 2) / 2.5 / LUNG_MM * height)
        offsets = torch.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1).float()
        kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
        soft = functional.conv2d(added.view(1, 1, height, width), kernel.view(1, 1, -1, 1), padding="same")
        soft = functional.conv2d(soft, kernel.view(1, 1, 1, -1), padding="same")[0, 0]
        out = out + uniform(*strength, rng) * soft / (1 + soft / 3) * where
    return out


def _strand(
    height: int,
    width: int,
    start: tuple[float, float],
    end: tuple[float, float],
    thickness: float,
    rng: torch.Generator,
) -> Tensor:
    """Draw a curved line between two places, 1 on it: (height, width)."""
    at = torch.linspace(0, 1, 48)
    bend = uniform(-0.15, 0.15, rng)
    chord = end[0] - start[0], end[1] - start[1]
    arch = 4 * at * (1 - at) * bend
    rows = start[0] + at * chord[0] + arch * chord[1]
    columns = start[1] + at * chord[1] - arch * chord[0]
    down, across = grid(height, width)
    squares = (down[..., None] - rows).square() + (across[..., None] - columns).square()  # (height, width, 48)
    return torch.exp(-squares.amin(-1) / (2 * thickness**2))
