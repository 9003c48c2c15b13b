"""Images made on the spot, one for each number: (1, 1, size, size) in [0, 1]. None of them is of a patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unseen.data.film import area

if TYPE_CHECKING:
    from torch import Tensor

_ELLIPSES = (
    # brightness, half axes (across, down), middle (right, up), turn in degrees
    (1.0, 0.69, 0.92, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18.0),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18.0),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0.0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0.0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0.0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0.0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0.0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0.0),
)
"""Shepp & Logan, The Fourier reconstruction of a head section, IEEE Trans. Nucl. Sci. 21, 1974, with the stronger
contrasts of Toft, The Radon Transform, PhD thesis, DTU 1996, table B.3."""
_SKULL = 2  # ellipses that never move
_JITTER = 0.04
_FINER = 4  # subpixels a side, for edges without steps


def head(size: int, seed: int) -> Tensor:
    """Draw the Shepp–Logan head; with another number than 0, what is inside has moved a little."""
    rng = np.random.default_rng(seed)
    middles = (np.arange(size * _FINER) + 0.5) / (size * _FINER) * 2 - 1
    right, up = middles[None, :], -middles[:, None]
    image = np.zeros((size * _FINER, size * _FINER), np.float32)
    for number, (brightness, across, down, x, y, degrees) in enumerate(_ELLIPSES):
        if seed and number >= _SKULL:
            x, y = x + rng.uniform(-_JITTER, _JITTER), y + rng.uniform(-_JITTER, _JITTER)
        cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        along, beside = (right - x) * cosine + (up - y) * sine, (up - y) * cosine - (right - x) * sine
        image[(along / across) ** 2 + (beside / down) ** 2 <= 1] += brightness
    return as_image(image.clip(0, 1), size)


def film(size: int, seed: int) -> Tensor:
    """Draw a simulated chest film without a lesion."""
    from unseen.data.phantoms.sequences import SMALLEST, normals

    return as_image(normals(1, seed=seed, size=max(size, SMALLEST))[0].pixels, size)


def film_with_lesion(size: int, seed: int) -> Tensor:
    """Draw a simulated chest film with a lesion."""
    from unseen.data.phantoms.sequences import SMALLEST, abnormals

    return as_image(abnormals(1, seed=seed, size=max(size, SMALLEST))[0].pixels, size)


def shapes(size: int, seed: int) -> Tensor:
    """Draw a square and a disc."""
    import torch

    from unseen.data.drawn_shapes import squares_and_circles

    return squares_and_circles(1, size, torch.Generator().manual_seed(seed))


IMAGES: dict[str, tuple[str, Callable[[int, int], Tensor]]] = {
    "head": ("a head (Shepp–Logan)", head),
    "film": ("a simulated chest film", film),
    "film-with-lesion": ("a simulated chest film with a lesion", film_with_lesion),
    "shapes": ("a square and a disc", shapes),
}
"""Name → words for people, and (size, seed) → image."""


def as_image(pixels: NDArray[np.float32], size: int) -> Tensor:
    """Return the middle square of an image, averaged to a smaller one: (1, 1, size, size).

    Args:
        pixels: (height, width) in [0, 1].
        size: side of the result, in pixels.

    >>> as_image(np.ones((48, 64), np.float32), 32).shape
    torch.Size([1, 1, 32, 32])
    """
    import torch

    height, width = pixels.shape
    side = min(height, width)
    top, left = (height - side) / 2, (width - side) / 2
    square = area(np.ascontiguousarray(pixels, np.float32), size, size, box=(top, left, top + side, left + side))
    return torch.from_numpy(np.ascontiguousarray(square.clip(0, 1)))[None, None]
