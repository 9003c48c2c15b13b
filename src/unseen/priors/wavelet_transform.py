"""Orthogonal wavelet transform of images: Daubechies' filters, periodic boundary, coefficients in the image's shape."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.tensor_products import describe

LONGEST = 10  # vanishing moments: with more, the polynomial's roots lose digits


class WaveletTransform:
    """W, orthogonal: the separable two-dimensional wavelet transform of each channel.

    Coefficients have the image's shape: after `levels` levels the approximation is the upper left block, and the
    details of each level are the three blocks around it (Mallat's order). There are fewer levels if a side becomes odd.

    Args:
        wavelet: "haar", or "db1" to "db10" by the number of vanishing moments.
        levels: largest number of levels, ≥ 1.

    Raises:
        ValueError: another wavelet, or levels below 1.

    Example:
        >>> W = WaveletTransform("haar", levels=1)
        >>> W(torch.ones(1, 1, 2, 2)).flatten().round(decimals=5).tolist()
        [2.0, 0.0, 0.0, 0.0]
        >>> x = torch.rand(1, 1, 16, 8)
        >>> bool(torch.allclose(W.adjoint(W(x)), x, atol=1e-6))
        True

    Source: Daubechies, Orthonormal bases of compactly supported wavelets, Communications on Pure and Applied
    Mathematics 41 (1988) 909–996; Mallat, IEEE Trans. Pattern Analysis and Machine Intelligence 11 (1989) 674–693.
    """

    def __init__(self, wavelet: str = "db4", *, levels: int = 3) -> None:
        known = {"haar": 1} | {f"db{n}": n for n in range(1, LONGEST + 1)}
        if wavelet not in known:
            raise ValueError(f"wavelet is haar, or db1 to db{LONGEST}, but got {wavelet!r}.")
        if levels < 1:
            raise ValueError(f"levels is a whole number of at least 1, but got {levels}.")
        self.wavelet, self.levels, self._moments = wavelet, levels, known[wavelet]

    @arrays_too
    def __call__(self, x: Tensor) -> Tensor:
        """Return the coefficients W x.

        Args:
            x: (batch, channels, height, width), real or complex.

        Returns:
            Coefficients of x's shape.

        Raises:
            ValueError: a side is odd, or x is no batch of images.
        """
        found = x.clone()
        for height, width in self._sides(x):
            rows, columns = (one_level(side, self._moments).to(x) for side in (height, width))
            found[..., :height, :width] = rows @ found[..., :height, :width] @ columns.T
        return found

    @arrays_too
    def adjoint(self, coefficients: Tensor) -> Tensor:
        """Return W* of coefficients, which equals W⁻¹: (batch, channels, height, width).

        Raises:
            ValueError: a side is odd, or the coefficients are no batch of images.
        """
        found = coefficients.clone()
        for height, width in reversed(self._sides(coefficients)):
            rows, columns = (one_level(side, self._moments).to(found) for side in (height, width))
            found[..., :height, :width] = rows.T @ found[..., :height, :width] @ columns
        return found

    def approximation(self, x: Tensor) -> tuple[int, int]:
        """Return height and width of the upper left block, which contains the approximation."""
        height, width = self._sides(x)[-1]
        return height // 2, width // 2

    def _sides(self, x: Tensor) -> list[tuple[int, int]]:
        """Return the height and width that each level transforms."""
        if x.ndim != 4 or x.shape[-2] % 2 or x.shape[-1] % 2 or not x[0, 0].numel():
            raise ValueError(
                "A wavelet transform takes images (batch, channels, height, width) with even sides, but got "
                f"{describe(tuple(x.shape))}. Pad them by a row or a column."
            )
        height, width = x.shape[-2:]
        sides: list[tuple[int, int]] = []
        while len(sides) < self.levels and height % 2 == 0 and width % 2 == 0:
            sides.append((height, width))
            height, width = height // 2, width // 2
        return sides

    def __repr__(self) -> str:
        return f"WaveletTransform({self.wavelet!r}, levels={self.levels})"


def daubechies_filter(moments: int) -> np.ndarray:
    """Return Daubechies' low-pass filter with that many vanishing moments: (2 · moments,), float64, norm 1.

    By spectral factorisation: the roots inside the unit circle of Σ_k C(N − 1 + k, k) ((2 − z − 1/z) / 4)^k.

    >>> daubechies_filter(1).round(4).tolist()
    [0.7071, 0.7071]
    """
    polynomial = [math.comb(moments - 1 + k, k) for k in reversed(range(moments))]
    inside = []
    for root in np.roots(polynomial):
        pair = np.roots([1, 4 * root - 2, 1])
        inside.append(pair[np.abs(pair).argmin()])
    taps = np.real(np.poly([-1] * moments + inside))
    scaled: np.ndarray = taps * math.sqrt(2) / taps.sum()
    return scaled


@functools.lru_cache(maxsize=64)
def one_level(side: int, moments: int) -> Tensor:
    """Return the orthogonal matrix of one level of the periodic transform of a signal.

    Returns:
        (side, side), float64: rows of the approximation coefficients, then rows of the details.
    """
    low = daubechies_filter(moments)
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    matrix = np.zeros((side, side))
    for k in range(side // 2):
        for n in range(len(low)):
            place = (2 * k + n - moments + 1) % side  # the filter is centred on the coefficient's place
            matrix[k, place] += low[n]
            matrix[side // 2 + k, place] += high[n]
    return torch.from_numpy(matrix)
