"""Pixels onto another grid: the mean over an area where the grid gets coarser, bilinear where it gets finer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[float, float, float, float]


def area(pixels: NDArray[np.float32], height: int, width: int, *, box: Box | None = None) -> NDArray[np.float32]:
    """`pixels`, or its part inside `box`, on a grid of `height` × `width`.

    Each axis is taken by itself: box (area) averaging where it shrinks, bilinear where it grows, both Pillow's in mode
    F. Averaging before picking keeps a sharper film from turning into a film with more noise.

    Args:
        pixels: (h, w), any range.
        height, width: of the result, in pixels, at least 1.
        box: (top, left, bottom, right) in pixels of `pixels`, fractions allowed; the whole when None.

    Returns:
        float32, (height, width), within the range of `pixels`.

    Raises:
        ValueError: the box is empty or reaches outside, or a size is below 1.

    >>> area(np.array([[0, 1], [2, 3]], np.float32), 1, 1)
    array([[1.5]], dtype=float32)
    >>> area(np.arange(4, dtype=np.float32)[None], 1, 1, box=(0, 2, 1, 4))
    array([[2.5]], dtype=float32)
    """
    h, w = pixels.shape
    top, left, bottom, right = (0.0, 0.0, float(h), float(w)) if box is None else map(float, box)
    if not (0 <= top < bottom <= h and 0 <= left < right <= w):
        raise ValueError(
            f"The box (top, left, bottom, right) is ({top:g}, {left:g}, {bottom:g}, {right:g}) in {h}×{w} pixels. "
            "It must hold some area and lie inside."
        )
    if height < 1 or width < 1:
        raise ValueError(f"The size asked for is {height}×{width}. Both must be at least 1.")
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))  # mode F
    image = image.resize((w, height), _filter(bottom - top, height), box=(0, top, w, bottom))
    image = image.resize((width, height), _filter(right - left, width), box=(left, 0, right, height))
    return np.array(image)  # (height, width)


def _filter(extent: float, size: int) -> Image.Resampling:
    return Image.Resampling.BOX if extent >= size else Image.Resampling.BILINEAR
