"""Identity operator: the image itself is measured."""

from torch import Tensor

from unseen.physics.operator import Operator
from unseen.physics.tensor_products import Shape


class Identity(Operator):
    """A x = x.

    Args:
        shape: of one image, without the batch, such as (1, 64, 64).

    Example:
        >>> import torch
        >>> Identity((1, 2, 2))(torch.ones(5, 1, 2, 2)).shape
        torch.Size([5, 1, 2, 2])
    """

    real_or_complex = True
    looks_for_nan = False

    def __init__(self, shape: Shape) -> None:
        super().__init__(domain=shape, range=shape)

    def _forward(self, x: Tensor) -> Tensor:
        return x

    def _adjoint(self, y: Tensor) -> Tensor:
        return y

    def _pinv(self, y: Tensor) -> Tensor:
        return y

    def norm(self) -> float:
        return 1.0
