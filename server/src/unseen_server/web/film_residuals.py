"""Lossless coding of films for the browser.

Each sample is predicted from its left, upper and upper left neighbours (the predictor of LOCO-I, which JPEG-LS uses).
The difference is sent, zigzag-coded so that small differences of both signs are small numbers:

    p = median(left, up, left + up − upper left);  d = sample − p;  z = 2d for d ≥ 0, −2d − 1 for d < 0  (mod 2¹⁶)

All low bytes of z come first, then all high bytes, and gzip codes both. The sample before the first column is the one
above; above the first row it is the one to the left; before the first sample it is 0. `static/js/lossless.js`
restores the samples. Reasons for this format instead of PNG: docs/decisions/0027.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ROWS: Final = 32  # coded at a time: what is computed for them stays in the processor's cache
_GZIP: Final = 31  # zlib's number for gzip around a window of 32 KiB
_MEMORY: Final = 9


def compressed(residual: NDArray[np.uint8]) -> bytes:
    """Return a film's `residuals` as gzip.

    Run lengths and Huffman codes alone: differences hold noise, in which a search for repetitions finds nothing.
    """
    coder = zlib.compressobj(1, zlib.DEFLATED, _GZIP, _MEMORY, zlib.Z_RLE)
    return coder.compress(residual.data) + coder.flush()


def residuals(samples: NDArray[np.uint8] | NDArray[np.uint16], *, bits: int) -> NDArray[np.uint8]:
    """Return the difference of each sample from its prediction: low bytes and high bytes, (2, height, width).

    Args:
        bits: samples lie below 2**bits; 1 to 16.
    """
    height, width = samples.shape
    planes = np.empty((2, height, width), np.uint8)
    kind = np.int16 if bits <= 14 else np.int32  # left + up − upper left must fit
    padded = np.zeros((_ROWS + 1, width + 1), kind)
    for top in range(0, height, _ROWS):
        rows = samples[top : top + _ROWS]
        here = padded[: len(rows) + 1]
        here[1:, 1:] = rows
        here[1:, 0] = here[:-1, 1]  # before the first column lies the sample above
        if top == 0:
            here[1, 0] = 0
            here[0, 1:] = here[1, :-1]  # above the first row the one to the left
        left, up, corner = here[1:, :-1], here[:-1, 1:], here[:-1, :-1]
        plane = left + up
        plane -= corner
        least, most = np.minimum(left, up), np.maximum(left, up)
        np.minimum(plane, most, out=plane)
        np.maximum(plane, least, out=plane)
        difference = (here[1:, 1:] - plane).astype(np.int16)
        zigzag = ((difference << 1) ^ (difference >> 15)).view(np.uint16)
        planes[0, top : top + _ROWS] = zigzag.view(np.uint8)[:, ::2]
        planes[1, top : top + _ROWS] = zigzag.view(np.uint8)[:, 1::2]
        padded[0] = here[-1]
    return planes
