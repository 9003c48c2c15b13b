"""Compressed sensing: each measurement is a random mixture of all pixels."""

import math

import torch

from unseen.physics.argument_checks import both_sides, check_channels, check_measurements
from unseen.physics.dense import Dense


class CompressedSensing(Dense):
    """y = matrix · x, with independent entries ~ N(0, 1/m), so that E‖A x‖² = ‖x‖².

    The same matrix for every channel; y is (batch, channels, m). Candès, Romberg & Tao, IEEE Trans. Inf. Theory 52
    (2006). The pseudo-inverse is exact; the matrix is kept whole, m · height · width numbers.

    Args:
        size: of the image, one number or (height, width); (1, n) for signals.
        m: how many measurements, 1 to height · width.
        channels: of the image.
        seed: of the matrix; the same seed, size and m give the same matrix.

    Raises:
        ValueError: size, m or channels is out of range.

    Example:
        >>> A = CompressedSensing(8, 32)
        >>> A, torch.equal(A.matrix, CompressedSensing(8, 32).matrix)
        (CompressedSensing((1, 8, 8) -> (1, 32)), True)
    """

    def __init__(self, size: int | tuple[int, int], m: int, *, channels: int = 1, seed: int = 0) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_measurements(m, height * width)
        entries = torch.randn(m, height * width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        super().__init__(entries / math.sqrt(m), size=(height, width), channels=channels)
