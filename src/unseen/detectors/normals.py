"""Training films on the network's grid, as a method's `learn` receives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from unseen.anatomy.network_view import Viewed


@dataclass(frozen=True, eq=False)
class Normals:
    """The training films on the network's grid.

    >>> one = torch.ones(2, 1, 8, 8)
    >>> Normals(one, one > 0, one > 0, digests=("a", "b")).part(torch.tensor([True, False])).digests
    ('a',)

    Args:
        images: float32 (n, 1, size, size), unmasked.
        inside: bool (n, 1, size, size), the pixels that are judged.
        lungs: bool (n, 1, size, size), as predicted.
        digests: pixel_sha256 of each.
        also: the same films through further views.
    """

    images: torch.Tensor
    inside: torch.Tensor
    lungs: torch.Tensor
    digests: tuple[str, ...]
    also: tuple[Normals, ...] = ()

    @classmethod
    def of(cls, views: Sequence[Viewed], digests: Sequence[str]) -> Normals:
        """Stack viewed films, at least one."""
        return cls(
            torch.stack([one.image for one in views]),
            torch.stack([one.inside for one in views]),
            torch.stack([one.inside if one.lungs is None else one.lungs for one in views]),
            tuple(digests),
            tuple(cls.of(others, digests) for others in zip(*(one.also for one in views), strict=True)),
        )

    def part(self, rows: torch.Tensor) -> Normals:
        """Return the films where `rows`, bool (n,), is true."""
        digests = tuple(digest for digest, taken in zip(self.digests, rows.tolist(), strict=True) if taken)
        also = tuple(others.part(rows) for others in self.also)
        return Normals(self.images[rows], self.inside[rows], self.lungs[rows], digests, also)

    def views(self) -> list[Viewed]:
        """Return each film as `judge` takes it; where it lay on its film is not known any more."""
        side = self.images.shape[-1]
        whole = (0.0, 0.0, float(side), float(side))
        also = [others.views() for others in self.also]
        return [
            Viewed(*parts, whole, None, (0, 0, side, side), also=tuple(others[i] for others in also))
            for i, parts in enumerate(zip(self.images, self.inside, self.lungs, strict=True))
        ]
