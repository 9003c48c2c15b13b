"""Groups that only move pixels: flips, permutations, circular shifts of images and of sequences.

Mirror images: left and right changed over, top and bottom, or both.

Permutations of pixels: the largest group that only moves pixels about.

Circular shifts: an image is moved, and what leaves on one side comes back on the other; or a sequence is, in time.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.algebra import Shape
from unseen.physics.group import Group, one_by_one, uniform


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


COUNTED = 18  # the most pixels whose permutations float64 can count: 18! < 2⁵³ < 19!
LISTED = 7  # the most pixels whose permutations `elements` lists: 7! = 5,040


class Permutations(Group):
    """(T_g x)(p) = x(π_g(p)), with π_g any permutation of the pixels; all channels of an image move together.

    An element is one number g in [0, 1). Images of up to 18 pixels: π_g is number ⌊g · n!⌋ of the n! permutations in
    lexicographic order (so each is as likely as any other). Larger ones: π_g is drawn by a generator seeded with
    ⌊g · 2⁵³⌋, so the number g defines the permutation fully, at any size.

    Example:
        >>> import torch
        >>> x = torch.arange(3.0).reshape(1, 1, 1, 3)
        >>> [Permutations().T(x, g[None]).flatten().int().tolist() for g in Permutations().elements((1, 1, 3))[:3]]
        [[0, 1, 2], [0, 2, 1], [1, 0, 2]]
    """

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        return uniform(n, 1, generator=generator)

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        return _take(x, self._places(x, g))

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        return _take(x, self._places(x, g).argsort(dim=1))

    def elements(self, shape: Shape) -> Tensor | None:
        """All n! of them for images of up to 7 pixels; None for larger ones, of which there are too many."""
        pixels = shape[-2] * shape[-1]
        if pixels > LISTED:
            return None
        order = math.factorial(pixels)
        return ((torch.arange(order, dtype=torch.float64) + 0.5) / order)[:, None]

    def _places(self, x: Tensor, g: Tensor) -> Tensor:
        """π_g, image by image: (batch, height · width), int64."""
        self._check(x, g)
        if not bool(((g >= 0) & (g < 1)).all()):
            raise ValueError(
                f"An element of Permutations is a number of at least 0 and below 1, but got {g.tolist()[:4]}."
            )
        pixels = x.shape[-2] * x.shape[-1]
        places = [_permutation(element, pixels) for element in g.double().flatten().tolist()]
        return torch.stack(places).to(x.device) if places else torch.empty(0, pixels, dtype=torch.int64)


def _permutation(element: float, pixels: int) -> Tensor:
    if pixels > COUNTED:
        return torch.randperm(pixels, generator=torch.Generator().manual_seed(int(element * 2**53)))
    number, left, places = int(element * math.factorial(pixels)), list(range(pixels)), []
    for remaining in range(pixels - 1, -1, -1):
        digit, number = divmod(number, math.factorial(remaining))
        places.append(left.pop(digit))
    return torch.tensor(places)


def _take(x: Tensor, places: Tensor) -> Tensor:
    moved = x.flatten(2).gather(2, places[:, None].expand(-1, x.shape[1], -1))
    return moved.reshape(x.shape)


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

        def move(image: Tensor, element: list[float]) -> Tensor:
            down, right = round(element[0] * height), round(element[1] * width)
            return image.roll((sign * down, sign * right), dims=(HEIGHT, WIDTH))

        return one_by_one(x, g, move)


class FrameShifts(Group):
    """(T_g x)_t = x_(t − s), with s = g times the number of frames T, to the nearest whole frame, and t modulo T.

    For sequences as `Frames` measures them: the frames of a periodic movement, such as a beating heart's, or slices
    through something that may lie higher or lower. An element is a share of T, so it does not depend on T.

    Args:
        channels: of one frame.

    Raises:
        ValueError: channels is below 1; when called, an image's channels are no whole number of frames.

    Example:
        >>> import torch
        >>> x = torch.arange(4.0).reshape(1, 4, 1, 1)
        >>> FrameShifts().T(x, torch.tensor([[0.25]])).flatten().tolist()
        [3.0, 0.0, 1.0, 2.0]
    """

    def __init__(self, *, channels: int = 1) -> None:
        if channels < 1:
            raise ValueError(f"A frame has at least 1 channel, but got {channels}.")
        self.channels = int(channels)

    def __repr__(self) -> str:
        return f"FrameShifts(channels={self.channels})"

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        return uniform(n, 1, generator=generator)

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        return self._roll(x, g, 1)

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        return self._roll(x, g, -1)

    def elements(self, shape: Shape) -> Tensor:
        frames = self._frames(shape[0])
        return torch.arange(frames, dtype=torch.float64)[:, None] / frames

    def _roll(self, x: Tensor, g: Tensor, sign: int) -> Tensor:
        self._check(x, g)
        frames = self._frames(x.shape[1])
        return one_by_one(
            x, g, lambda image, element: image.roll(sign * round(element[0] * frames) * self.channels, dims=0)
        )

    def _frames(self, channels: int) -> int:
        if channels % self.channels:
            raise ValueError(f"{channels} channels are no whole number of frames of {self.channels}.")
        return channels // self.channels
