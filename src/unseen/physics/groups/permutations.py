"""Permutations of pixels: the largest group that only moves pixels."""

import math

import torch
from torch import Tensor

from unseen.physics.group import Group, uniform
from unseen.physics.tensor_products import Shape

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
        """Return all n! of them for images of up to 7 pixels; None for larger ones, of which there are too many."""
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
