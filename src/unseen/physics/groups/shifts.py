"""Circular shifts of images: pixels that leave on one side come back on the other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.group import Group, one_by_one, uniform
from unseen.physics.tensor_products import Shape

HEIGHT, WIDTH = -2, -1


class Shifts(Group):
    """(T_g x)(p) = x(p − s), with s = g times the image's size, to the nearest whole pixel, and p modulo that size.

    An element is (down, right), as shares of the height and of the width; so elements do not depend on the size.

    Args:
        axes: along which images are moved: -2 the height, -1 the width. The share along any other is zero.

    Raises:
        ValueError: an axis is neither -2 nor -1, or none is given.

    Example:
        >>> import torch
        >>> x = torch.arange(4.0).reshape(1, 1, 1, 4)
        >>> Shifts().T(x, torch.tensor([[0.0, 0.25]])).flatten().tolist()
        [3.0, 0.0, 1.0, 2.0]
    """

    parameters = 2

    def __init__(self, *, axes: Sequence[int] = (HEIGHT, WIDTH)) -> None:
        if not axes or not set(axes) <= {HEIGHT, WIDTH}:
            raise ValueError(f"Images are shifted along -2 (height), -1 (width) or both, but got {tuple(axes)}.")
        self.axes = tuple(sorted(set(axes)))

    def __repr__(self) -> str:
        return f"Shifts(axes={self.axes})"

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        moved = torch.tensor([HEIGHT in self.axes, WIDTH in self.axes])
        return uniform(n, 2, generator=generator) * moved

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        return self._roll(x, g, 1)

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        return self._roll(x, g, -1)

    def elements(self, shape: Shape) -> Tensor:
        height = shape[HEIGHT] if HEIGHT in self.axes else 1
        width = shape[WIDTH] if WIDTH in self.axes else 1
        down = torch.arange(height, dtype=torch.float64) / height
        right = torch.arange(width, dtype=torch.float64) / width
        return torch.cartesian_prod(down, right)

    def _roll(self, x: Tensor, g: Tensor, sign: int) -> Tensor:
        self._check(x, g)
        height, width = x.shape[-2:]
        if len(x) > 1 and height * width <= _SMALL:
            return _gathered(x, sign * g.detach().to("cpu", torch.float64))

        def move(image: Tensor, element: list[float]) -> Tensor:
            down, right = round(element[0] * height), round(element[1] * width)
            return image.roll((sign * down, sign * right), dims=(HEIGHT, WIDTH))

        return one_by_one(x, g, move)


_SMALL = 64 * 64
"""Pixels of an image, up to which it takes less time to gather all pixels of a batch than to roll each image."""


def _gathered(x: Tensor, g: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    down, right = (g[:, axis, None].mul(length).round().long() for axis, length in enumerate((height, width)))
    rows = (torch.arange(height) - down) % height  # (batch, height)
    columns = (torch.arange(width) - right) % width
    origin = (rows[:, :, None] * width + columns[:, None, :]).flatten(1).to(x.device)
    return x.flatten(2).gather(2, origin[:, None].expand(-1, x.shape[1], -1)).reshape(x.shape)
