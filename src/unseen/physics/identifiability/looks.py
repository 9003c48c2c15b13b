"""Looks at an image: the operators A T_g, A after a transformation of a group, and their mean Gram matrix."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.physics.group import Group
from unseen.physics.identifiability.linear_map import LinearMap
from unseen.physics.tensor_products import Shape

Move = Callable[[Tensor], Tensor]

AT_ONCE = 2**21  # numbers in the moved images that are in memory at a time
LISTED = 128  # largest number of elements of a group of which all are used


@dataclass(frozen=True)
class Moves:
    """Transformations of images: elements of a group, and inverses of elements.

    Args:
        group: the group; None: images are not moved.
        elements: (n, parameters), elements by which images are moved.
        inverses: (n, parameters), elements by whose inverses images are moved.
        whole: whether the group has no further elements.
    """

    group: Group | None = None
    elements: Tensor | None = None
    inverses: Tensor | None = None
    whole: bool = True

    def __len__(self) -> int:
        return 1 if self.group is None else sum(len(g) for g in (self.elements, self.inverses) if g is not None)

    def __call__(self, batch: Shape) -> Iterator[Move]:
        """Yield functions from images of shape `batch` to (elements · batch, …): all images by each element in turn."""
        if self.group is None:
            yield lambda x: x
            return
        at_once = max(1, AT_ONCE // math.prod(batch))
        for move, elements in ((self.group.T, self.elements), (self.group.inverse, self.inverses)):
            for g in () if elements is None or not len(elements) else torch.split(elements, at_once):
                yield _mover(move, g, batch[0])


def draw(group: Group, shape: Shape, n: int, generator: torch.Generator) -> Moves:
    """Return all elements of a small group; of a large or continuous one, n random elements.

    Half of these are inverted: a family of transformations that is not a group, such as scalings, may be applied in
    both directions.
    """
    listed = group.elements(shape)
    if listed is not None and len(listed) <= LISTED:
        return Moves(group, elements=listed)
    drawn = group.sample(n, generator=generator)
    return Moves(group, elements=drawn[: n // 2], inverses=drawn[n // 2 :], whole=False)


@dataclass(frozen=True)
class Looks:
    """Map x ↦ (A T_g x) over one or several A and some elements g."""

    maps: Sequence[LinearMap]
    moves: Moves = Moves()

    def __len__(self) -> int:
        return len(self.maps) * len(self.moves)

    def gram(self, x: Tensor) -> Tensor:
        """Return the mean of T_g* A* A T_g x over all looks: (batch, *domain)."""
        if self.moves.group is None:
            return self._seen(x) / len(self)
        total = torch.zeros_like(x)
        for move in self.moves(tuple(x.shape)):
            with torch.enable_grad():
                leaf = x.detach().requires_grad_()
                moved = move(leaf)
            total += torch.autograd.grad(moved, leaf, self._seen(moved.detach()))[0]
        return total / len(self)

    def _seen(self, x: Tensor) -> Tensor:
        """Return the sum of A* A x over all A."""
        return sum((A.gram(x) for A in self.maps), torch.zeros_like(x))


def _mover(move: Callable[[Tensor, Tensor], Tensor], g: Tensor, batch: int) -> Move:
    repeated = g.repeat_interleave(batch, dim=0)
    return lambda x: move(x.repeat(len(g), *[1] * (x.ndim - 1)), repeated)
