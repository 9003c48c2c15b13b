"""Separable operator: a small matrix acts on the columns of an image, another one on its rows."""

import torch
from torch import Tensor

from unseen.physics.operator import Operator


class Separable(Operator):
    """A x = down · x · rightᵀ, channel by channel: two matrix products.

    Its singular values are the products σ_i τ_j of those of `down` and of `right`, so norm and pseudo-inverse are
    exact: with down = U₁ diag(σ) V₁ᵀ and right = U₂ diag(τ) V₂ᵀ,  A⁺ y = V₁ [(U₁ᵀ y U₂) / (σ_i τ_j)] V₂ᵀ.

    Args:
        down: (measured height, height), float64.
        right: (measured width, width), float64.
        channels: of the image, each treated alike.
        rtol: singular values up to this share of the largest count as zero in the pseudo-inverse.

    Example:
        >>> A = Separable(torch.ones(1, 2).double(), torch.eye(2).double(), channels=1, rtol=1e-6)
        >>> A(torch.ones(1, 1, 2, 2)).flatten().tolist(), round(A.pinv(torch.ones(1, 1, 1, 2)).sum().item(), 5)
        ([2.0, 2.0], 2.0)
    """

    rtol: float
    _down: Tensor  # float64, as all below
    _right: Tensor
    _from_down: Tensor  # U₁
    _from_right: Tensor  # U₂
    _to_down: Tensor  # V₁
    _to_right: Tensor  # V₂
    _inverse: Tensor  # 1 / (σ_i τ_j), or 0
    _norm: float

    def __init__(self, down: Tensor, right: Tensor, *, channels: int, rtol: float) -> None:
        super().__init__(domain=(channels, down.shape[1], right.shape[1]), range=(channels, len(down), len(right)))
        from_down, sigma, to_down = torch.linalg.svd(down, full_matrices=False)
        from_right, tau, to_right = torch.linalg.svd(right, full_matrices=False)
        values = torch.outer(sigma, tau)
        largest = float(values.max())
        self._set(
            rtol=rtol,
            _down=down,
            _right=right,
            _from_down=from_down,
            _from_right=from_right,
            _to_down=to_down.T,
            _to_right=to_right.T,
            _inverse=torch.where(values > max(rtol, torch.finfo(values.dtype).eps) * largest, 1 / values, 0),
            _norm=largest,
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self._on("_down", x) @ x @ self._on("_right", x).T

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._on("_down", y).T @ y @ self._on("_right", y)

    def _pinv(self, y: Tensor) -> Tensor:
        coefficients = self._on("_from_down", y).T @ y @ self._on("_from_right", y) * self._on("_inverse", y)
        return self._on("_to_down", y) @ coefficients @ self._on("_to_right", y).T

    def norm(self) -> float:
        return self._norm
