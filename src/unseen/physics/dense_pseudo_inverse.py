"""Pseudo-inverse of a small matrix in double precision, from its singular values."""

import torch
from torch import Tensor

from unseen.physics.tensor_products import inner

RANK = 1e-10
"""Singular values up to this share of the greatest are rounding."""


class DensePseudoInverse:
    """M⁺ with one step of refinement, x = M⁺ y + M⁺ (y − M M⁺ y).

    Args:
        matrix: (m, n), float64.

    Example:
        >>> x, share = DensePseudoInverse(torch.tensor([[2.0], [0.0]]).double())(torch.tensor([[4.0, 1.0]]).double())
        >>> x.tolist(), share < 1e-12
        ([[2.0]], True)
    """

    def __init__(self, matrix: Tensor) -> None:
        self._matrix = matrix
        self._inverse: Tensor = torch.linalg.pinv(matrix, rtol=RANK)

    def __call__(self, y: Tensor) -> tuple[Tensor, float]:
        """Return M⁺ y of each row, and the largest ‖M*(y − M x)‖ / ‖M* y‖.

        Args:
            y: (batch, m), float64.

        Returns:
            (batch, n), and the share; 0 for an empty batch, and for y = 0.
        """
        x = y @ self._inverse.mT
        x = x + (y - x @ self._matrix.mT) @ self._inverse.mT
        left, start = (inner(u, u).flatten() for u in ((y - x @ self._matrix.mT) @ self._matrix, y @ self._matrix))
        shares = torch.where(start > 0, left / start, 0)
        return x, float(shares.max().sqrt()) if len(shares) else 0.0

    def adjoint(self, x: Tensor) -> Tensor:
        """Return (M⁺)* x of each row: (batch, m), for x of (batch, n)."""
        y: Tensor = x @ self._inverse
        return y
