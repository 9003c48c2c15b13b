"""Trajectories of non-Cartesian scans: radial and spiral, in cycles per pixel."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.argument_checks import both_sides, is_count

GOLDEN_ANGLE = math.pi * (math.sqrt(5) - 1) / 2  # 111.246°, between successive spokes


def radial_trajectory(
    size: int | tuple[int, int], spokes: int, *, samples: int | None = None, golden_angle: bool = False
) -> Tensor:
    """Return the points of spokes through the centre of k-space.

    Spoke j has the angle π · j / spokes, or j times the golden angle, 111.246°: then any successive spokes cover
    k-space almost evenly, and `points.reshape(frames, -1, 2)` gives each frame of a dynamic scan its own.

    Args:
        size: of the image, one number or (height, width).
        spokes: at least 1. About π/2 times the larger side cover k-space completely.
        samples: per spoke; None: twice the larger side, as with a readout that is oversampled twice. Sample
            samples // 2 is the zero frequency.
        golden_angle: turn successive spokes by the golden angle.

    Returns:
        (spokes · samples, 2), float64: spoke after spoke, from −0.5 to below 0.5.

    Raises:
        ValueError: spokes or samples is no whole number above 0.

    Example:
        >>> points = radial_trajectory(64, 3, samples=4)
        >>> points[:4].tolist()  # the first spoke: along the columns' index
        [[-0.0, -0.5], [-0.0, -0.25], [0.0, 0.0], [0.0, 0.25]]

    Source: Winkelmann, Schaeffter, Koehler, Eggers & Doessel, An optimal radial profile order based on the golden
    ratio for time-resolved MRI, IEEE Trans. Med. Imaging 26 (2007) 68–76.
    """
    samples = 2 * max(both_sides(size)) if samples is None else samples
    if not is_count(spokes) or not is_count(samples):
        raise ValueError(f"spokes and samples are whole numbers above 0, but got {spokes} and {samples}.")
    angle = torch.arange(spokes, dtype=torch.float64) * (GOLDEN_ANGLE if golden_angle else math.pi / spokes)
    radius = (torch.arange(samples, dtype=torch.float64) - samples // 2) / samples
    return torch.stack([torch.sin(angle)[:, None] * radius, torch.cos(angle)[:, None] * radius], dim=-1).reshape(-1, 2)


def spiral_trajectory(size: int | tuple[int, int], interleaves: int, *, samples: int | None = None) -> Tensor:
    """Return the points of Archimedean spirals from the centre of k-space outwards.

    Interleave j is k(τ) = ½ τ exp(2πi (turns · τ + j / interleaves)), 0 ≤ τ < 1. The turns of all interleaves are
    1 / n apart, n the larger side: Nyquist's distance.

    Args:
        size: of the image, one number or (height, width).
        interleaves: at least 1.
        samples: per interleave; None: as many as make neighbouring samples at most 1 / n apart.

    Returns:
        (interleaves · samples, 2), float64: interleave after interleave, from −0.5 to 0.5.

    Raises:
        ValueError: interleaves or samples is no whole number above 0.

    Example:
        >>> spiral_trajectory(32, 4).abs().max() < 0.5
        tensor(True)

    Source: Meyer, Hu, Nishimura & Macovski, Fast spiral coronary artery imaging, Magn. Reson. Med. 28 (1992) 202–213.
    """
    longest = max(both_sides(size))
    if not is_count(interleaves):
        raise ValueError(f"interleaves is a whole number above 0, but got {interleaves}.")
    turns = longest / (2 * interleaves)
    samples = math.ceil(longest * math.hypot(0.5, math.pi * turns)) if samples is None else samples
    if not is_count(samples):
        raise ValueError(f"samples is a whole number above 0, but got {samples}.")
    share = torch.arange(samples, dtype=torch.float64) / samples
    turned = torch.arange(interleaves, dtype=torch.float64)[:, None] / interleaves + turns * share
    radius, angle = 0.5 * share, 2 * math.pi * turned
    return torch.stack([radius * torch.sin(angle), radius * torch.cos(angle)], dim=-1).reshape(-1, 2)
