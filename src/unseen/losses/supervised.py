"""Losses that compare with the truth: masks, images, structural similarity.

Losses for a network that learns a mask from masks, such as the lung finder.

Both need the truth (x, here `mask`) and f (its logits).

The truth, where there is one: what learning from measurements alone is measured against.

Structural similarity, window by window, and a loss of it: how alike two images are in brightness, contrast and
structure.

Needs the truth (or, for an autoencoder, its own input).
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from unseen.losses.loss import Loss, Seen, at_least_single, mean_square
from unseen.physics.algebra import describe


def dice_loss(logits: Tensor, mask: Tensor, *, smoothing: float = 1.0) -> Tensor:
    """1 − (2 Σ p mask + smoothing) / (Σ p + Σ mask + smoothing),  p = sigmoid(logits), per sample.

    Args:
        logits: (batch, ...), before the sigmoid.
        mask: of the same shape, bool or in [0, 1].
        smoothing: ≥ 0, in pixels; keeps an empty mask that is rightly found empty at loss 0 rather than 0/0.

    Returns:
        (batch,), in [0, 1], at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> mask = torch.ones(1, 1, 2, 2)
        >>> dice_loss(torch.full((1, 1, 2, 2), 50.0), mask), dice_loss(torch.full((1, 1, 2, 2), -50.0), mask)
        (tensor([0.]), tensor([0.8000]))

    Source: Milletari, Navab & Ahmadi, V-Net, 3DV 2016, §3, without its squares in the denominator.
    """
    _check_shapes(logits, mask)
    p, mask = torch.sigmoid(at_least_single(logits)), at_least_single(mask)
    overlap, sizes = _flat(p * mask).sum(dim=1), _flat(p).sum(dim=1) + _flat(mask).sum(dim=1)
    return 1 - (2 * overlap + smoothing) / (sizes + smoothing)


def bce(logits: Tensor, mask: Tensor) -> Tensor:
    """mean of −mask log p − (1 − mask) log(1 − p),  p = sigmoid(logits), per sample.

    Args:
        logits: (batch, ...), before the sigmoid.
        mask: of the same shape, bool or in [0, 1].

    Returns:
        (batch,), ≥ 0, in nats per pixel, at least in single precision.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> import torch
        >>> bce(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor([0.6931])
    """
    _check_shapes(logits, mask)
    logits = at_least_single(logits)
    return _flat(functional.softplus(logits) - logits * at_least_single(mask)).mean(dim=1)


def _check_shapes(logits: Tensor, mask: Tensor) -> None:
    if logits.shape != mask.shape or logits.ndim < 1:
        raise ValueError(
            "Logits and mask have one shape, (batch, ...), but got "
            f"{describe(tuple(logits.shape))} and {describe(tuple(mask.shape))}."
        )


def _flat(tensor: Tensor) -> Tensor:
    return tensor.reshape(len(tensor), -1)


class Supervised(Loss):
    """‖x − f(y)‖² / n, over the n real components of x.

    Args:
        weight: ≥ 0.

    Raises (when called):
        ValueError: the truth was not given, or has another shape than f(y).

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Identity, Measurement
        >>> x = torch.ones(2, 1, 4, 4)
        >>> seen = Seen(x + 0.5, Measurement(Identity((1, 4, 4))), lambda y, process: y, x=x)
        >>> Supervised()(seen, generator=None).tolist()
        [0.25, 0.25]
    """

    needs: ClassVar[frozenset[str]] = frozenset({"x", "y", "f"})
    compares = "images"

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        del generator
        if seen.x is None:
            raise ValueError("Supervised compares with the truth, but none was given: learn(..., truth=x).")
        if seen.x.shape != seen.reconstruction.shape:
            raise ValueError(
                f"The truth has shape {describe(tuple(seen.x.shape))}, but f(y) has "
                f"{describe(tuple(seen.reconstruction.shape))}."
            )
        return mean_square(at_least_single(seen.reconstruction) - at_least_single(seen.x))


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
    """The mean of 1 − SSIM over the pixels inside and all channels, per sample: (batch,), 0 to 2.

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
