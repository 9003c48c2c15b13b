"""Digest of a film's pixels, by which the same image is recognised in files of other formats."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def pixel_sha256(pixels: NDArray[np.generic]) -> str:
    """Return the SHA-256 of pixels with their shape and type, before they are scaled to grey values.

    Args:
        pixels: (height, width), as they are stored: unsigned integers; floating-point numbers of arrays in memory.

    Returns:
        The digest, as 64 hexadecimal digits.

    Example:
        >>> flat = np.zeros((2, 2), np.uint8)
        >>> pixel_sha256(flat)[:8], pixel_sha256(flat) == pixel_sha256(flat.reshape(1, 4))
        ('72f39a58', False)
    """
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype.name} ".encode())
    digest.update(np.ascontiguousarray(pixels).data.cast("B"))
    return digest.hexdigest()
