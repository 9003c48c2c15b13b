"""Masks of the frequencies that a scanner measures: lines, spokes or single points.

All masks have the zero frequency at [0, 0], as `FourierMask` takes them, and are real choices of the pixel grid;
`torch.fft.fftshift(mask)` brings the zero frequency to the middle, for looking at.
"""

import math

import torch
from torch import Tensor

from unseen.physics.argument_checks import both_sides, is_count
from unseen.physics.generator_device import generator_device


def cartesian_sampling(
    size: int | tuple[int, int],
    acceleration: float,
    *,
    centre_share: float = 0.08,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw whole columns of k-space, width / acceleration of them: the lowest, and others at random.

    The masks of fastMRI's challenge (Zbontar et al., arXiv 1811.08839, §4.3: a share of 0.08 at ×4, 0.04 at ×8), but
    with the exact number of lines.

    Args:
        size: of k-space, one number or (height, width).
        acceleration: at least 1; 4 measures a quarter of the lines.
        centre_share: of all lines, those of the lowest frequencies, always measured; 0 to 1 / acceleration.
        generator: where the choice comes from; None: torch's global generator.

    Returns:
        (height, width), bool.

    Raises:
        ValueError: acceleration or centre_share is out of range.

    Example:
        >>> mask = cartesian_sampling(64, 4, generator=torch.Generator().manual_seed(0))
        >>> mask.shape, int(mask[0].sum()), bool((mask == mask[:1]).all()), bool(mask[0, 0])
        (torch.Size([64, 64]), 16, True, True)
    """
    height, width = both_sides(size)
    frequency = torch.fft.fftfreq(width, dtype=torch.float64).abs()
    lines = _chosen(frequency, torch.ones(width), acceleration, centre_share, generator)
    return lines.expand(height, width).clone()


def random_sampling(
    size: int | tuple[int, int],
    acceleration: float,
    *,
    centre_share: float = 0.02,
    power: float = 3.0,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw single points of k-space, 1 / acceleration of all: the lowest, and others at random, denser near the centre.

    The density falls as (1 − |k| / k_max)^power (Lustig, Donoho & Pauly, Magn. Reson. Med. 58, 2007, with powers of 1
    to 6).

    Args:
        size: of k-space, one number or (height, width).
        acceleration: at least 1; 4 measures a quarter of the points.
        centre_share: of all points, those of the lowest frequencies, always measured; 0 to 1 / acceleration.
        power: at least 0; 0 draws uniformly.
        generator: where the choice comes from; None: torch's global generator.

    Returns:
        (height, width), bool.

    Raises:
        ValueError: acceleration, centre_share or power is out of range.

    Example:
        >>> mask = random_sampling(64, 4, generator=torch.Generator().manual_seed(0))
        >>> int(mask.sum()), bool(mask[0, 0])
        (1024, True)
    """
    if not (math.isfinite(power) and power >= 0):
        raise ValueError(f"power is finite and at least 0, but got {power}.")
    height, width = both_sides(size)
    down = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    right = torch.fft.fftfreq(width, dtype=torch.float64)[None, :]
    frequency = (down.square() + right.square()).sqrt()
    density = (1 - frequency / (frequency.max() + 1 / max(height, width))) ** power
    return _chosen(frequency.flatten(), density.flatten(), acceleration, centre_share, generator).reshape(height, width)


def radial_sampling(size: int | tuple[int, int], spokes: int) -> Tensor:
    """Return straight lines through the centre of k-space at equal angles, rounded to the grid.

    Args:
        size: of k-space, one number or (height, width).
        spokes: at least 1, each across the whole of k-space.

    Returns:
        (height, width), bool.

    Raises:
        ValueError: spokes is no whole number above 0.

    Example:
        >>> mask = radial_sampling(64, 10)
        >>> bool(mask[0, 0]), round(mask.double().mean().item(), 2)
        (True, 0.17)
    """
    if not is_count(spokes):
        raise ValueError(f"spokes is a whole number of at least 1, but got {spokes}.")
    height, width = both_sides(size)
    angle = torch.arange(spokes, dtype=torch.float64)[:, None] * (math.pi / spokes)
    radius = torch.linspace(-0.5, 0.5, 2 * max(height, width) + 1, dtype=torch.float64)[None, :]
    down = torch.round(radius * torch.sin(angle) * height).long()
    right = torch.round(radius * torch.cos(angle) * width).long()
    inside = (2 * down < height) & (2 * down >= -height) & (2 * right < width) & (2 * right >= -width)
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[down[inside], right[inside]] = True
    return mask


def _chosen(
    frequency: Tensor, density: Tensor, acceleration: float, centre_share: float, generator: torch.Generator | None
) -> Tensor:
    """Return the lowest centre_share of the frequencies, and others drawn by density, without replacement: bool."""
    if not (math.isfinite(acceleration) and acceleration >= 1):
        raise ValueError(f"acceleration is finite and at least 1, but got {acceleration}.")
    if not 0 <= centre_share <= 1 / acceleration:
        raise ValueError(
            f"centre_share lies between 0 and 1 / acceleration = {1 / acceleration:.3g}, but got {centre_share}."
        )
    count = max(1, round(len(frequency) / acceleration))
    lowest = frequency.argsort(stable=True)[: min(count, max(1, round(len(frequency) * centre_share)))]
    device = generator_device(generator)
    draws = torch.rand(len(density), generator=generator, dtype=torch.float64, device=device).cpu()
    keys = draws.log() / density.clamp(min=1e-12)  # the largest are a draw without replacement (Efraimidis & Spirakis)
    keys[lowest] = math.inf
    mask = torch.zeros(len(frequency), dtype=torch.bool)
    mask[keys.argsort(descending=True, stable=True)[:count]] = True
    return mask
