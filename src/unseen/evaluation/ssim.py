"""Structural similarity: how alike two pictures are, window by window, in brightness, contrast and structure."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unseen.evaluation.psnr import same_pictures

SIGMA = 1.5  # of the Gaussian window, in pixels; Wang et al. 2004, section III.B
RADIUS = 5  # the window is 11 × 11
K1, K2 = 0.01, 0.03


def ssim(found: Tensor, truth: Tensor, *, peak: float = 1.0) -> Tensor:
    """The mean over all windows that lie in the picture, and over channels, of

    (2 μ_a μ_b + C₁)(2 σ_ab + C₂) / ((μ_a² + μ_b² + C₁)(σ_a² + σ_b² + C₂)),   C_i = (K_i · peak)²

    with the windows' Gaussian means, variances and covariance. Of complex pictures, the magnitudes are compared.

    Args:
        found: (batch, channels, height, width), at least 11 × 11 pixels, real or complex.
        truth: of the same shape.
        peak: > 0, the range of values a picture can have.

    Returns:
        (batch,), float64, at most 1.

    Raises:
        ValueError: the shapes differ, the pictures are too small, or the peak is not above 0.

    Example:
        >>> import torch
        >>> truth = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> round(ssim(truth, truth).item(), 6), ssim(1 - truth, truth).item() < 0
        (1.0, True)

    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13 (2004) 600-612, eq. 13; scikit-image's
    `structural_similarity` with `gaussian_weights=True, use_sample_covariance=False` gives the same.
    """
    a, b = same_pictures(found, truth)
    if min(a.shape[2:]) < 2 * RADIUS + 1:
        raise ValueError(f"SSIM needs pictures of at least 11 × 11 pixels, but got {a.shape[2]} × {a.shape[3]}.")
    if not peak > 0:
        raise ValueError(f"peak is the range of a picture's values, above 0, but got {peak}.")
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = _windowed(a * a) - mean_a**2
    variance_b = _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity = alike / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))
    return similarity.flatten(1).mean(dim=1)


def _windowed(pictures: Tensor) -> Tensor:
    """Gaussian means over every whole window: (batch, channels, height − 10, width − 10)."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=pictures.dtype, device=pictures.device)
    weights = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    weights = (weights / weights.sum()).reshape(1, 1, 1, -1)
    single = pictures.flatten(0, 1).unsqueeze(1)  # (batch · channels, 1, height, width)
    single = functional.conv2d(functional.conv2d(single, weights), weights.transpose(2, 3))
    return single.reshape(*pictures.shape[:2], *single.shape[2:])
