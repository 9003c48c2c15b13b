"""`EveryKthRow`: only every k-th row of an image is measured."""

from __future__ import annotations

from torch import Tensor

from unseen.physics import Operator


class EveryKthRow(Operator):
    """y = rows 0, k, 2k, … of x.

    Args:
        size: pixels a side.
        k: 1 or more.
    """

    k: int

    def __init__(self, size: int, k: int = 2) -> None:
        if not 1 <= k <= size:
            raise ValueError(f"k is {k}. Take 1 to {size}, the number of rows.")
        super().__init__(domain=(1, size, size), range=(1, -(-size // k), size))
        self._set(k=k)

    def _forward(self, x: Tensor) -> Tensor:
        return x[..., :: self.k, :]

    def _adjoint(self, y: Tensor) -> Tensor:
        rows = y.new_zeros(*y.shape[:-2], *self.domain[1:])  # of y, so that torch.vmap follows
        rows[..., :: self.k, :] = y
        return rows

    def _pinv(self, y: Tensor) -> Tensor:
        return self._adjoint(y)
