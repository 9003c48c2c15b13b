"""Groups of transformations: the base class `Group` with its law, and products of two groups.

With T_g x = `T(x, g)`, for all x and every g that `sample` draws:

1. linear:      T_g(a x + x') = a T_g(x) + T_g(x')
2. inverse:     inverse(T_g(x), g) = x, to rounding where `exact`, else up to the loss by interpolation (each group
   states it)
3. one each:    image i of a batch is moved by g[i] alone
4. generator:   the same generator state gives the same elements

and where `exact`, T_g only moves pixels about: ‖T_g x‖ = ‖x‖. The contract tests check the law for every group in
`unseen.physics.GROUPS`.

An element of a product applies an element of the one group, then one of the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from unseen.physics.generator_device import generator_device
from unseen.physics.tensor_products import Shape, describe


class Group(ABC):
    """Transformations T_g of images (batch, channels, height, width), real or complex; g has a row for each image.

    Elements are tensors (n, parameters) whose meaning is the group's own, and which do not depend on the images'
    size: `g = group.sample(len(x), generator=rng)`, then `group.T(x, g)`.

    Example:
        >>> from unseen.physics import Flips
        >>> x = torch.arange(4.0).reshape(1, 1, 2, 2)
        >>> group = Flips()
        >>> g = group.sample(1, generator=torch.Generator().manual_seed(0))
        >>> torch.equal(group.inverse(group.T(x, g), g), x)
        True
    """

    exact: bool = True
    """True if T_g only permutes pixels, without interpolation."""
    parameters: int = 1
    """Number of parameters of an element."""

    @abstractmethod
    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        """Draw n elements, uniformly over the group: (n, parameters), float64, on the CPU."""

    @abstractmethod
    def T(self, x: Tensor, g: Tensor) -> Tensor:
        """T_g x, image by image: x's shape, dtype and device.

        Args:
            x: (batch, channels, height, width).
            g: (batch, parameters), as `sample` or `elements` give it.

        Raises:
            ValueError: x is no batch of images that this group acts on, or g has not one row for each.
        """

    @abstractmethod
    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        """T_g⁻¹ x; arguments and errors are those of `T`."""

    def elements(self, shape: Shape) -> Tensor | None:
        """Return every element that differs on images of `shape` (channels, height, width), the identity first.

        (order, parameters), or None where the group is continuous.
        """
        del shape
        return None

    def __mul__(self, other: object) -> Group:
        """`G * H`: first an element of H, then one of G, drawn independently."""

        return Product(self, other) if isinstance(other, Group) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _check(self, x: Tensor, g: Tensor) -> None:
        given: object = x
        if not isinstance(given, Tensor):
            raise TypeError(
                f"{type(self).__name__} moves tensors, but got {type(given).__name__}: give torch.from_numpy(x)."
            )
        if x.ndim != 4:
            raise ValueError(
                f"{type(self).__name__} moves images (batch, channels, height, width), but got "
                f"{describe(tuple(x.shape))}."
            )
        if tuple(g.shape) != (len(x), self.parameters):
            raise ValueError(
                f"{type(self).__name__} takes one element for each image, ({len(x)}, {self.parameters}), but got "
                f"{describe(tuple(g.shape))}. Draw them by sample({len(x)}, generator=…)."
            )
        if not bool(torch.isfinite(g).all()):
            raise ValueError(f"The elements of {type(self).__name__} are finite numbers, but got {g.tolist()[:4]}.")


def check_is_group(group: object, who: str) -> None:
    """Raise TypeError unless it is a group; `who` takes it, and the message names the way to one.

    >>> from unseen.physics import Shifts
    >>> check_is_group(Shifts, "identify")
    Traceback (most recent call last):
        ...
    TypeError: identify takes a group, such as Shifts(), but got the class Shifts. Make a group: Shifts().
    """
    if isinstance(group, Group):
        return
    got, remedy = f"a {type(group).__name__}", "Products of groups are Shifts() * Flips()."
    if isinstance(group, type):
        got, remedy = f"the class {group.__name__}", f"Make a group: {group.__name__}()."
    elif callable(group):
        remedy = "Transformations of your own are a subclass of un.physics.Group."
    raise TypeError(f"{who} takes a group, such as Shifts(), but got {got}. {remedy}")


def uniform(n: int, parameters: int, *, generator: torch.Generator | None) -> Tensor:
    """Draw numbers in [0, 1) on the generator's device: (n, parameters), float64, on the CPU."""
    device = generator_device(generator)
    return torch.rand(n, parameters, generator=generator, dtype=torch.float64, device=device).cpu()


def one_by_one(x: Tensor, g: Tensor, move: Callable[[Tensor, list[float]], Tensor]) -> Tensor:
    """move(x[i], g[i]) for each image of a batch: (batch, channels, height, width)."""
    moved = [move(image, element) for image, element in zip(x, g.tolist(), strict=True)]
    return torch.stack(moved) if moved else x.clone()


PROBED_AT_ONCE = 256  # images
ALIKE = 1e-6


class Product(Group):
    """T_(g,h) x = T_g(T_h(x)), written `first * second`; an element is g's numbers, then h's.

    Args:
        first: the group of g.
        second: the group of h, which acts before it.

    Example:
        >>> from unseen.physics import Flips, Rotations
        >>> square = Rotations(multiples_of=90) * Flips()
        >>> square.exact, len(square.elements((1, 8, 8)))
        (True, 8)
    """

    def __init__(self, first: Group, second: Group) -> None:
        self.first, self.second = first, second
        self.exact = first.exact and second.exact
        self.parameters = first.parameters + second.parameters

    def __repr__(self) -> str:
        return f"{self.first!r} * {self.second!r}"

    def sample(self, n: int, *, generator: torch.Generator | None) -> Tensor:
        return torch.cat([self.first.sample(n, generator=generator), self.second.sample(n, generator=generator)], dim=1)

    def T(self, x: Tensor, g: Tensor) -> Tensor:
        self._check(x, g)
        return self.first.T(self.second.T(x, g[:, self.first.parameters :]), g[:, : self.first.parameters])

    def inverse(self, x: Tensor, g: Tensor) -> Tensor:
        self._check(x, g)
        return self.second.inverse(self.first.inverse(x, g[:, : self.first.parameters]), g[:, self.first.parameters :])

    def elements(self, shape: Shape) -> Tensor | None:
        """Return every pair, of those that move an image of noise alike (to 1e-6) only the first."""
        first, second = self.first.elements(shape), self.second.elements(shape)
        if first is None or second is None:
            return None
        pairs = torch.cat([first.repeat_interleave(len(second), dim=0), second.repeat(len(first), 1)], dim=1)
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(1, *shape, generator=generator, dtype=torch.float64)
        weights = torch.randn(noise.numel(), generator=generator, dtype=torch.float64) / noise.numel() ** 0.5
        seen = torch.cat(
            [
                self.T(noise.expand(len(some), -1, -1, -1), some).flatten(1) @ weights
                for some in torch.split(pairs, PROBED_AT_ONCE)
            ]
        )
        ordered, place = seen.sort(stable=True)
        group_of = torch.cat([torch.zeros(1), (ordered.diff() > ALIKE).cumsum(0)]).long()
        earliest = torch.full((int(group_of[-1]) + 1,), len(pairs)).scatter_reduce(0, group_of, place, "amin")
        return pairs[earliest.sort().values]
