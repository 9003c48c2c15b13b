"""Synthetic lesions that classifiers learn from, pasted or drawn into normal lungs, without outlines.

`anatpaste`, `patch-memory`, `student-teacher` and `feature-lda` learn from them to distinguish changed lungs from
unchanged ones. `painted_lesions` has lesions with outlines.

- `pasted`: a patch of the same film at another place.
- `clouded`: soft, uneven shadows.
- `grafted`: a patch of another normal film.
- `spotted`: many small spots, in a zone or everywhere.
- `ringed`: a dark centre with a bright wall.
- `veiled`: a lung that fades towards its base, apex or side.

All functions take masked images (batch, 1, size, size) in network units, 0 outside the lungs. They change each image
only inside its mask. The lesions of the phantoms are different: they are made of tissue and projected.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from unseen.anatomy.lesion_shapes import below, blob, elliptic, grid, lung_pixel, smooth_noise, uniform


def pasted(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Paste a patch of each image at another place in its lungs: x (1 − w) + w · patch.

    The patch has 2 to 15 % of the image's area and a side ratio between 0.3 and 3.3. Its brightness changes by up to
    0.1, its contrast by up to a tenth. w is an ellipse or a rectangle of the patch's size, blurred, times the mask. Its
    centre is a random lung pixel.

    Source: Sato et al., "Anatomy-aware self-supervised learning for anomaly detection in chest radiographs", iScience
    26 (2023) 107086, "AnatPaste".
    """
    batch, _, height, width = x.shape
    out = []
    for i in range(batch):
        share, ratio = uniform(0.02, 0.15, generator), math.exp(uniform(math.log(0.3), math.log(3.3), generator))
        h = min(height - 1, max(2, round(math.sqrt(share * ratio * height * width))))
        w = min(width - 1, max(2, round(math.sqrt(share / ratio * height * width))))
        row, column = lung_pixel(inside[i, 0], generator)
        top, left = below(height - h, generator), below(width - w, generator)
        # the whole image is rolled so that the patch's centre moves to (row, column)
        moved = torch.roll(x[i, 0], (row - top - h // 2, column - left - w // 2), dims=(0, 1))
        moved = moved * (1 + uniform(-0.1, 0.1, generator)) + uniform(-0.1, 0.1, generator)
        shape = _shape(height, width, (row, column), (h / 2, w / 2), generator).to(x)
        weight = shape * inside[i, 0]
        out.append(x[i, 0] * (1 - weight) + weight * moved)
    return torch.stack(out)[:, None]


def clouded(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw one to four soft, uneven shadows in each image: x (1 − a w) + a w (l + t).

    w is a random blob, its edge distorted by smooth noise, times the mask. The density a is 0.2 to 0.9, the level l is
    0.1 to 0.8 network units, and t is smooth noise. Dense shadows hide the vessels, as a consolidation does.
    """
    batch, _, height, width = x.shape
    out = []
    for i in range(batch):
        image = x[i, 0]
        for _ in range(1 + below(4, generator)):
            weight = blob(inside[i, 0], (0.04, 0.25), (0.08, 0.4), generator).to(x) * inside[i, 0]
            weight = weight * uniform(0.2, 0.9, generator)
            texture = 0.1 * smooth_noise(height, width, below(12, generator) + 4, generator).to(x)
            image = image * (1 - weight) + weight * (uniform(0.1, 0.8, generator) + texture)
        out.append(image)
    return torch.stack(out)[:, None].clamp(-1, 1)


def grafted(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Blend one to three soft blobs of each image with a neighbour in the batch: x (1 − a w) + a w (g x′ + l).

    x′ is the neighbour, shifted by up to a sixth of a side. g changes its contrast, and l makes it brighter.

    Source: Tan et al., "Detecting outliers with foreign patch interpolation", MELBA 1 (2022); soft blobs in the place
    of its squares.
    """
    out = []
    for image, mask, other in zip(x[:, 0], inside[:, 0], x.roll(1, 0)[:, 0], strict=True):
        height, width = image.shape
        changed = image
        for _ in range(1 + below(3, generator)):
            weight = blob(mask, (0.06, 0.25), (0.08, 0.3), generator).to(x) * mask * uniform(0.4, 1, generator)
            by = below(height // 3, generator) - height // 6, below(width // 3, generator) - width // 6
            patch = torch.roll(other, by, (0, 1)) * uniform(0.8, 1.3, generator) + uniform(0, 0.4, generator)
            changed = changed * (1 - weight) + weight * patch
        out.append(changed)
    return torch.stack(out)[:, None].clamp(-1, 1)


def spotted(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Add 5 to 64 soft spots, σ 0.01 to 0.03 of the height, in a zone of the lungs or everywhere."""
    out = []
    for image, mask in zip(x[:, 0], inside[:, 0], strict=True):
        height, width = image.shape
        zone = mask.clone()
        if below(3, generator):
            radii = tuple(uniform(0.1, 0.4, generator) * height for _ in range(2))
            middle = lung_pixel(mask, generator)
            zone &= (elliptic(height, width, middle, radii, uniform(0, math.pi, generator)) < 1).to(mask.device)
        places = zone.flatten().nonzero()[:, 0]
        spots = torch.zeros(height * width).to(x)
        if len(places):
            drawn = torch.randint(len(places), (5 + below(60, generator),), generator=generator)
            spots.index_add_(
                0, places[drawn.to(places.device)], 0.5 + torch.rand(len(drawn), generator=generator).to(x)
            )
        sigma = uniform(0.01, 0.03, generator) * height
        offsets = torch.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1).to(x)
        weights = torch.exp(-(offsets**2) / (2 * sigma**2))
        soft = functional.conv2d(spots.view(1, 1, height, width), weights.view(1, 1, -1, 1), padding="same")
        soft = functional.conv2d(soft, weights.view(1, 1, 1, -1), padding="same")[0, 0]
        out.append(image + uniform(0.1, 0.5, generator) * soft / (1 + soft / 2) * mask)
    return torch.stack(out)[:, None].clamp(-1, 1)


def ringed(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw one or two cavities in each image: a bright wall, and a centre darker than the lung."""
    out = []
    for image, mask in zip(x[:, 0], inside[:, 0], strict=True):
        height, width = image.shape
        changed = image
        for _ in range(1 + below(2, generator)):
            radius = uniform(0.04, 0.14, generator) * height
            radii = tuple(radius * uniform(0.7, 1.3, generator) for _ in range(2))
            distance = elliptic(height, width, lung_pixel(mask, generator), radii, uniform(0, math.pi, generator))
            distance = distance + 0.15 * smooth_noise(height, width, 6, generator)
            wall = torch.exp(-(((distance - 1) / uniform(0.2, 0.5, generator)) ** 2))
            depth = uniform(0.2, 0.6, generator) * wall - uniform(0, 0.2, generator) * (distance < 1)
            changed = changed + depth.to(x) * mask
        out.append(changed)
    return torch.stack(out)[:, None].clamp(-1, 1)


def veiled(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Fade one side of each image to white, towards its base, its apex or the chest wall."""
    out = []
    for image, mask in zip(x[:, 0], inside[:, 0], strict=True):
        height, width = image.shape
        rows, columns = (places / places.max() for places in grid(height, width))
        outward = (columns - 0.5).abs() * 2
        side = (columns < 0.5) if below(2, generator) else (columns >= 0.5)
        towards, from_ = (
            (rows + 0.3 * outward, uniform(0.65, 1.15, generator)),
            (1 - rows + 0.2 * outward, uniform(0.75, 1.1, generator)),
            (outward.expand(height, width), uniform(0.75, 1.0, generator)),
        )[below(3, generator)]
        edge = towards - from_ + 0.05 * smooth_noise(height, width, 5, generator)
        weight = torch.sigmoid(edge / uniform(0.03, 0.15, generator)) * side * uniform(0.3, 1, generator)
        white = uniform(0.3, 0.9, generator) + 0.05 * smooth_noise(height, width, 8, generator)
        weight = weight.to(x) * mask
        out.append(image * (1 - weight) + weight * white.to(x))
    return torch.stack(out)[:, None].clamp(-1, 1)


ALL = (pasted, clouded, grafted, spotted, ringed, veiled)


def _shape(
    height: int, width: int, middle: tuple[int, int], radii: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Return an ellipse or a rectangle of these radii, (height, width).

    Its edge is blurred over a tenth to a half of the radii.
    """
    if below(2, generator):
        distance = elliptic(height, width, middle, radii, 0.0)
    else:
        rows, columns = grid(height, width)
        distance = torch.maximum((rows - middle[0]).abs() / radii[0], (columns - middle[1]).abs() / radii[1])
    return torch.sigmoid((1 - distance) / uniform(0.05, 0.25, generator))
