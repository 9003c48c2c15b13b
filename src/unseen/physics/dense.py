"""An operator given as a matrix: for those whose matrix has no faster form."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.operator import Operator

RANK = 1e-13  # eigenvalues of matrix · matrixᵀ up to this share of the largest count as nought


class Dense(Operator):
    """y = matrix · x, channel by channel, with x's pixels in reading order.

    Its pseudo-inverse is exact, matrixᵀ (matrix · matrixᵀ)⁺, and computed in double precision at the first call.

    Args:
        matrix: (m, height · width), float64, with m ≤ height · width.
        size: (height, width).
        channels: measured alike, each by itself.

    Example:
        >>> A = Dense(torch.tensor([[1.0, 1.0]], dtype=torch.float64), size=(1, 2), channels=1)
        >>> A.pinv(A(torch.tensor([[[[3.0, 1.0]]]]))).flatten().tolist()
        [2.0, 2.0]
    """

    _matrix: Tensor  # (m, height · width), float64

    def __init__(self, matrix: Tensor, *, size: tuple[int, int], channels: int) -> None:
        super().__init__(domain=(channels, *size), range=(channels, len(matrix)))
        self._set(_matrix=matrix)

    @property
    def matrix(self) -> Tensor:
        """A copy of the matrix: (m, height · width), float64."""
        return self._matrix.clone()

    def _forward(self, x: Tensor) -> Tensor:
        return x.flatten(2) @ self._on("_matrix", x).T

    def _adjoint(self, y: Tensor) -> Tensor:
        return (y @ self._on("_matrix", y)).reshape(len(y), *self.domain)

    def _pinv(self, y: Tensor) -> Tensor:
        return (y @ self._on("_inverse", y)).reshape(len(y), *self.domain)

    @property
    def _inverse(self) -> Tensor:
        """The transposed pseudo-inverse, (m, height · width); `_on` keeps it once it is computed."""
        values, vectors = torch.linalg.eigh(self._matrix @ self._matrix.T)
        inverted = torch.where(values > RANK * values[-1], 1 / values, 0)
        inverse: Tensor = (vectors * inverted) @ (vectors.T @ self._matrix)
        return inverse
