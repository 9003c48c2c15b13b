"""Structural similarity (SSIM), window by window, and a loss of it.

It compares the brightness, contrast and structure of two images. It needs the truth, or for an autoencoder its input.
"""

import torch
from torch import Tensor
from torch.nn import functional

from unseen.losses.sums import at_least_single
from unseen.physics.tensor_products import describe

SIGMA = 1.5  # of the Gaussian window, in pixels; Wang et al. 2004, section III.B
RADIUS = 5  # the window is 11 × 11


K1, K2 = 0.01, 0.03


def similarity_map(a: Tensor, b: Tensor, *, peak: float) -> Tensor:
    """SSIM of every window that lies in the image,

    (2 μ_a μ_b + C₁)(2 σ_ab + C₂) / ((μ_a² + μ_b² + C₁)(σ_a² + σ_b² + C₂)),   C_i = (K_i · peak)²

    with the windows' Gaussian means, variances and covariance.

    Args:
        a: (batch, channels, height, width), real, at least 11 × 11 pixels.
        b: of the same shape.
        peak: > 0, the range of values an image can have.

    Returns:
        (batch, channels, height − 10, width − 10), at most 1, in the images' precision.

    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13 (2004) 600-612, eq. 13.
    """
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = _windowed(a * a) - mean_a**2
    variance_b = _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return alike / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))


def dissimilarity_map(a: Tensor, b: Tensor, *, peak: float) -> Tensor:
    """1 − SSIM at every pixel, both images continued by reflection: of their shape, at least in single precision."""
    edges = (RADIUS,) * 4
    a, b = (functional.pad(at_least_single(image), edges, mode="reflect") for image in (a, b))
    return 1 - similarity_map(a, b, peak=peak)


def structural_dissimilarity(
    output: Tensor, target: Tensor, *, inside: Tensor | None = None, peak: float = 2.0
) -> Tensor:
    """Return the mean of 1 − SSIM over the pixels inside and all channels, per sample: (batch,), 0 to 2.

    Args:
        output: (batch, channels, height, width), real, at least 6 × 6 pixels.
        target: of the same shape.
        inside: bool, of the same shape; None: every pixel. A sample without a pixel inside has 0.
        peak: the range of values an image can have; 2: from −1 to 1.

    Raises:
        ValueError: the shapes differ, or the images are too small.

    Example:
        >>> x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> structural_dissimilarity(x, x).item() < 1e-6, structural_dissimilarity(1 - x, x).item() > 1
        (True, True)

    Source: Bergmann et al., VISAPP 2019, equations 3 to 6; the map is `similarity_map`'s.
    """
    if output.shape != target.shape or output.ndim != 4 or min(output.shape[2:]) <= RADIUS:
        raise ValueError(
            f"SSIM compares images of one shape, (batch, channels, height, width), of at least {RADIUS + 1} pixels a "
            f"side, but got {describe(tuple(output.shape))} and {describe(tuple(target.shape))}."
        )
    found = dissimilarity_map(output, target, peak=peak)
    weights = torch.ones_like(found) if inside is None else inside.to(found)
    return (found * weights).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1)


def _windowed(images: Tensor) -> Tensor:
    """Gaussian means over every whole window: (batch, channels, height − 10, width − 10)."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    weights = (weights / weights.sum()).reshape(1, 1, 1, -1)
    single = images.flatten(0, 1).unsqueeze(1)  # (batch · channels, 1, height, width)
    single = functional.conv2d(functional.conv2d(single, weights), weights.transpose(2, 3))
    return single.reshape(*images.shape[:2], *single.shape[2:])
