"""Structural similarity (SSIM) of two images: brightness, contrast and structure, window by window."""

from torch import Tensor

from unseen.evaluation.peak_signal_to_noise import same_images
from unseen.losses.structural_similarity import RADIUS, similarity_map
from unseen.physics.numpy_arrays import arrays_too


@arrays_too
def ssim(found: Tensor, truth: Tensor, *, peak: float = 1.0) -> Tensor:
    """The mean of `losses.similarity_map` over all windows that lie in the image, and over channels. Of complex
    images, the magnitudes are compared.

    Args:
        found: (batch, channels, height, width), at least 11 × 11 pixels, real or complex; a NumPy array too.
        truth: of the same shape.
        peak: > 0, the range of values an image can have.

    Returns:
        (batch,), float64, at most 1.

    Raises:
        ValueError: the shapes differ, the images are too small, or the peak is not above 0.

    Example:
        >>> import torch
        >>> truth = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> round(ssim(truth, truth).item(), 6), ssim(1 - truth, truth).item() < 0
        (1.0, True)

    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE TIP 13 (2004) 600-612, eq. 13; scikit-image's
    `structural_similarity` with `gaussian_weights=True, use_sample_covariance=False` gives the same.
    """
    a, b = same_images(found, truth)
    if min(a.shape[2:]) < 2 * RADIUS + 1:
        raise ValueError(f"SSIM needs images of at least 11 × 11 pixels, but got {a.shape[2]} × {a.shape[3]}.")
    if not peak > 0:
        raise ValueError(f"peak is the range of an image's values, above 0, but got {peak}.")
    return similarity_map(a, b, peak=peak).flatten(1).mean(dim=1)
