"""Walsh–Hadamard transform: patterns of a single-pixel camera, and the matrix."""

import math

import torch
from torch import Tensor

from unseen.physics.operator import Operator


class HadamardPatterns(Operator):
    """y_i = ⟨p_i, x⟩ / √n, with patterns p_i = signs ⊙ (rows i of the Walsh–Hadamard transform), n = height · width.

    The transform of an image is walsh(height) · x · walsh(width): two small products instead of m · n operations. The
    patterns are orthonormal after division by √n, so the adjoint is the pseudo-inverse.

    Args:
        rows: (m,), int64, of the transform in reading order, none twice.
        signs: (height, width) of ±1, float64, powers of two.
        channels: measured alike, each by itself.

    Raises:
        ValueError: height or width is no power of two.

    Example:
        >>> A = HadamardPatterns(torch.tensor([0]), signs=torch.ones(2, 2).double(), channels=1)
        >>> round(A(torch.ones(1, 1, 2, 2)).item(), 5)
        2.0
    """

    _rows: Tensor
    _down: Tensor
    _right: Tensor
    _signs: Tensor

    def __init__(self, rows: Tensor, *, signs: Tensor, channels: int) -> None:
        height, width = signs.shape
        super().__init__(domain=(channels, height, width), range=(channels, len(rows)))
        self._set(
            _rows=rows,
            _down=walsh_matrix(height) / math.sqrt(height),
            _right=walsh_matrix(width) / math.sqrt(width),
            _signs=signs,
        )

    def _forward(self, x: Tensor) -> Tensor:
        spectrum = self._on("_down", x) @ (x * self._on("_signs", x)) @ self._on("_right", x)
        return spectrum.flatten(2).index_select(2, self._on("_rows", x, dtype=torch.int64))

    def _adjoint(self, y: Tensor) -> Tensor:
        nothing = y.new_zeros(*y.shape[:2], self._signs.numel())
        spectrum = nothing.index_copy(2, self._on("_rows", y, dtype=torch.int64), y).reshape(len(y), *self.domain)
        return self._on("_down", y) @ spectrum @ self._on("_right", y) * self._on("_signs", y)

    def _pinv(self, y: Tensor) -> Tensor:
        return self._adjoint(y)

    def norm(self) -> float:
        return 1.0


def walsh_matrix(n: int) -> Tensor:
    """Return the Hadamard matrix of order n, rows in Walsh's order: row i changes sign i times.

    Args:
        n: a power of two.

    Returns:
        (n, n) of ±1, float64; symmetric, and √n times orthogonal.

    Raises:
        ValueError: n is no power of two.

    Example:
        >>> walsh_matrix(4).int().tolist()
        [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]]
    """
    if n < 1 or n & (n - 1):
        raise ValueError(f"Hadamard patterns have powers of two as height and width, but got {n}.")
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < n:
        matrix = torch.cat([torch.cat([matrix, matrix], dim=1), torch.cat([matrix, -matrix], dim=1)])
    changes = (matrix[:, 1:] != matrix[:, :-1]).sum(dim=1)
    return matrix[changes.argsort()]
