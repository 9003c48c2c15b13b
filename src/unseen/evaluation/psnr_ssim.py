"""Figures of a reconstruction against the truth: peak signal-to-noise ratio (PSNR) and structural similarity (SSIM).

PSNR is the error in decibels. SSIM compares brightness, contrast and structure in each window.
"""

import warnings

import torch
from torch import Tensor

from unseen.losses.structural_similarity import RADIUS, similarity_map
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.tensor_products import describe


@arrays_too
def psnr(found: Tensor, truth: Tensor, *, peak: float | None = 1.0) -> Tensor:
    """Compute 10 log10(peak² / mean (found − truth)²) for each image.

    Complex images are compared by their magnitudes.

    Args:
        found: (batch, channels, height, width), real or complex; for a NumPy array, the result is an array, too.
        truth: of the same shape.
        peak: > 0, the range of values an image can have, 255 for pixels of 8 bits; None: the largest magnitude
            of each truth, as in the papers on equivariant imaging (never above the figure for a fixed peak that no
            image exceeds).

    Returns:
        (batch,), float64, in dB; infinite if the two are equal, NaN if a value is NaN. With `peak=None`, minus
        infinity if the truth alone is 0 everywhere.

    Raises:
        ValueError: the shapes differ, or the peak is not above 0.

    Warns:
        UserWarning: the truth has whole numbers above the peak, such as pixels of 8 bits.

    Example:
        >>> import torch
        >>> truth = torch.full((1, 1, 4, 4), 0.5)
        >>> round(psnr(truth + 0.1, truth).item(), 4), round(psnr(truth + 0.1, truth, peak=None).item(), 4)
        (20.0, 13.9794)
    """
    a, b = same_images(found, truth)
    if peak is not None:
        _check_peak(peak, b)
    error = (a - b).flatten(1).square().mean(dim=1)
    height = b.flatten(1).abs().amax(dim=1) if peak is None else torch.full_like(error, peak)
    return 10 * torch.log10(torch.where(error == 0, torch.inf, height**2 / error))


@arrays_too
def ssim(found: Tensor, truth: Tensor, *, peak: float = 1.0) -> Tensor:
    """Compute the mean of the similarity map over channels and over all windows inside the image.

    The map is `losses.structural_similarity.similarity_map`.
    Complex images are compared by their magnitudes.

    Args:
        found: (batch, channels, height, width), at least 11 × 11 pixels, real or complex; a NumPy array is allowed.
        truth: of the same shape.
        peak: > 0, the range of values an image can have, 255 for pixels of 8 bits.

    Returns:
        (batch,), float64, at most 1.

    Raises:
        ValueError: the shapes differ, the images are too small, or the peak is not above 0.

    Warns:
        UserWarning: the truth has whole numbers above the peak, such as pixels of 8 bits.

    Example:
        >>> import torch
        >>> truth = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> round(ssim(truth, truth).item(), 6), ssim(1 - truth, truth).item() < 0
        (1.0, True)

    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13 (2004) 600-612, eq. 13; scikit-image's `structural_similarity`
    with `gaussian_weights=True, use_sample_covariance=False` gives the same values.
    """
    a, b = same_images(found, truth)
    if min(a.shape[2:]) < 2 * RADIUS + 1:
        raise ValueError(f"SSIM needs images of at least 11 × 11 pixels, but got {a.shape[2]} × {a.shape[3]}.")
    _check_peak(peak, b)
    return similarity_map(a, b, peak=peak).flatten(1).mean(dim=1)


def same_images(found: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Convert both to float64; complex images become their magnitudes.

    Raises:
        ValueError: they are not images (batch, channels, height, width) of one shape.
    """
    if found.shape != truth.shape or truth.ndim != 4:
        raise ValueError(
            "a reconstruction is compared with a truth of its own shape, (batch, channels, height, width), but they "
            f"have {describe(tuple(found.shape))} and {describe(tuple(truth.shape))}."
        )
    return _magnitudes(found), _magnitudes(truth)


def _check_peak(peak: float, truth: Tensor) -> None:
    """Refuse a peak that is not above 0; warn where whole numbers exceed it, such as pixels of 8 bits."""
    if not peak > 0:
        raise ValueError(f"peak is the range of an image's values, above 0, but got {peak}.")
    if truth.numel() and float(largest := truth.abs().amax()) > peak and bool((truth == truth.round()).all()):
        warnings.warn(
            f"peak, the range of values, is {peak:g}, but the truth has whole numbers up to {largest:.0f}. Give "
            "peak=255 for images of 8 bits, or divide both images by their range.",
            stacklevel=4,
        )


def _magnitudes(images: Tensor) -> Tensor:
    images = images.detach()
    return (images.abs() if images.is_complex() else images).double()
