"""Structural similarity: how alike two pictures are, window by window, in brightness, contrast and structure."""

from __future__ import annotations

from torch import Tensor

from unseen.evaluation.psnr import same_pictures
from unseen.losses.structural_similarity import RADIUS, similarity_map


def ssim(found: Tensor, truth: Tensor, *, peak: float = 1.0) -> Tensor:
    """The mean of `losses.similarity_map` over all windows that lie in the picture, and over channels. Of complex
    pictures, the magnitudes are compared.

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
    return similarity_map(a, b, peak=peak).flatten(1).mean(dim=1)
