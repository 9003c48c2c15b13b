"""Measurement shown as an image."""

import math

import torch
from torch import Tensor

from unseen.physics.fourier_mask import FourierMask
from unseen.physics.operator import Operator


def look_of(y: Tensor, A: Operator) -> tuple[Tensor, str]:
    """Return a measurement as an image (height, width) in [0, 1], and a description of what is shown.

    Args:
        y: (1, *A.range), the measurement.
        A: the operator that measured it.

    >>> from unseen.physics import Identity
    >>> look_of(torch.ones(1, 1, 8, 8), Identity((1, 8, 8)))[1]
    '8 × 8 numbers'
    """
    shape = " × ".join(map(str, A.range[1:] if A.range[0] == 1 else A.range))
    kind = "complex numbers" if y.is_complex() else "numbers"
    if isinstance(A, FourierMask):
        spectrum = torch.fft.fftshift(y[0, 0].abs().log1p())
        return _scaled(spectrum), f"{int(A.mask.sum()):,} of {shape} frequencies, log |y|, zero in the middle"
    flat = y[0].abs() if y.is_complex() else y[0]
    if flat.ndim == 3:
        return _scaled(flat[0]), f"{shape} {kind}"
    row = flat.flatten().abs().log1p()  # numbers in a row are laid out as a rectangle
    width = math.ceil(math.sqrt(len(row)))
    padded = torch.nn.functional.pad(row, (0, -len(row) % width))
    return _scaled(padded.reshape(-1, width)), f"{len(row):,} {kind} in a row, log |y|"


def _scaled(values: Tensor) -> Tensor:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)
