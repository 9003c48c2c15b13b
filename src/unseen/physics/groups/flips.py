"""Mirror images: left and right exchanged, top and bottom, or both."""

import torch
from torch import Tensor

from unseen.physics.group import Group, one_by_one, uniform
from unseen.physics.tensor_products import Shape


class Flips(Group):
    """T_g x is x, or its mirror image along one axis or both; each flip is its own inverse.

    An element is (horizontal, vertical), each 0 or 1: whether left and right, and whether top and bottom, change over.

    Args:
        horizontal: whether left and right may change over.
        vertical: whether top and bottom may.

    Raises:
        ValueError: neither may.

    Example:
        >>> import torch
        >>> x = torch.arange(4.0).reshape(1, 1, 1, 4)
        >>> Flips(vertical=False).T(x, torch.tensor([[1.0, 0.0]])).flatten().tolist()
        [3.0, 2.0, 1.0, 0.0]
    """

    parameters = 2

    def __init__(self, *, horizontal: bool = True, vertical: bool = True) -> None:
        if not (horizontal or vertical):
            raise ValueError("Flips are horizontal, vertical or both, but both were switched off.")
        self.horizontal, self.vertical = bool(horizontal), bool(vertical)

    def __repr__(self) -> str:
        return f"Flips(horizontal={self.horizontal}, vertical={self.vertical})"

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        return (uniform(n, 2, generator=generator) < 0.5) * torch.tensor([self.horizontal, self.vertical]).double()

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        self._check(x, g)
        if not bool(((g == 0) | (g == 1)).all()):
            raise ValueError(f"An element of Flips is two numbers that are 0 or 1, but got {g.tolist()[:4]}.")
        return one_by_one(x, g, _flip)

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        return self.T(x, g)

    def elements(self, shape: Shape) -> Tensor:
        horizontal = torch.arange(2.0 if self.horizontal and shape[-1] > 1 else 1.0, dtype=torch.float64)
        vertical = torch.arange(2.0 if self.vertical and shape[-2] > 1 else 1.0, dtype=torch.float64)
        return torch.cartesian_prod(horizontal, vertical)


def _flip(image: Tensor, element: list[float]) -> Tensor:
    horizontal, vertical = element
    return image.flip([axis for axis, flipped in ((-1, horizontal), (-2, vertical)) if flipped])
