"""Operators side by side: `stack(A, B)`, whose measurements lie next to each other along the channels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.algebra import describe
from unseen.physics.operator import Mask, Operator, shared_batch


class Stacked(Operator):
    """x ↦ (A₁ x, A₂ x, …), the measurements side by side along the channel axis."""

    parts: tuple[Operator, ...]

    def __init__(self, parts: Sequence[Operator]) -> None:
        if not parts:
            raise ValueError("stack takes at least one operator, but got none.")
        first = parts[0]
        for part in parts[1:]:
            if part.domain != first.domain:
                raise ValueError(
                    "Stacked operators see the same image, but take "
                    f"{describe(first.domain)} and {describe(part.domain)}."
                )
            if part.range[1:] != first.range[1:]:
                raise ValueError(
                    "Stacked measurements lie side by side along the channels, but "
                    f"{describe(first.range)} and {describe(part.range)} differ in another axis."
                )
        if len({part.complex_domain for part in parts if not part.real_or_complex}) > 1:
            raise ValueError("Stacked operators see the same image, but some take complex and some real numbers.")
        channels = sum(part.range[0] for part in parts)
        super().__init__(domain=first.domain, range=(channels, *first.range[1:]), batch=shared_batch(parts))
        self._set(
            parts=tuple(parts),
            complex_domain=any(part.complex_domain for part in parts),
            complex_range=any(part.complex_range for part in parts),
            real_or_complex=all(part.real_or_complex for part in parts),
        )

    def _forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self.parts], dim=1)

    def _adjoint(self, y: Tensor) -> Tensor:
        pieces = torch.split(y, [part.range[0] for part in self.parts], dim=1)
        backprojections = [
            part.adjoint(piece if part.complex_range or part.real_or_complex else piece.real)
            for part, piece in zip(self.parts, pieces, strict=True)
        ]
        return torch.stack(backprojections).sum(dim=0)

    def observed(self) -> Mask | None:
        masks = [part.observed() for part in self.parts]
        if all(mask is None for mask in masks):
            return None
        return Mask(
            torch.cat(
                [
                    torch.ones(self.batch or 1, *part.range, dtype=torch.bool)
                    if mask is None
                    else mask.mask.expand(self.batch or 1, *part.range)
                    for part, mask in zip(self.parts, masks, strict=True)
                ],
                dim=1,
            ),
            axes=len(self.range),
        )

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Stacked([part.select(samples) for part in self.parts])


def stack(*parts: Operator) -> Operator:
    """Several operators on one image, their measurements side by side along the channel axis.

    Args:
        parts: operators of one domain, whose ranges agree in all but the channels.

    Returns:
        The operator x ↦ (A₁ x, A₂ x, …).

    Raises:
        ValueError: no operator, or shapes that do not fit.

    Example:
        >>> from unseen.physics import Identity
        >>> stack(Identity((1, 8, 8)), 2 * Identity((1, 8, 8))).range
        (2, 8, 8)
    """
    return Stacked(parts)
