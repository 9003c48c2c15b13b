"""A product of two groups: first an element of the one, then one of the other."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.algebra import Shape
from unseen.physics.group import Group

PROBED_AT_ONCE = 256  # pictures
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
        """Every pair, of those that move a picture of noise alike (to 1e-6) only the first."""
        first, second = self.first.elements(shape), self.second.elements(shape)
        if first is None or second is None:
            return None
        pairs = torch.cat([first.repeat_interleave(len(second), dim=0), second.repeat(len(first), 1)], dim=1)
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(1, 1, *shape[-2:], generator=generator, dtype=torch.float64)
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
