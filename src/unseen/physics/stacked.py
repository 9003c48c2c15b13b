"""Operators side by side: `stack(A, B)`, whose measurements lie next to each other along the channels."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.action import adjoint_of, check_one_kind, shared_batch
from unseen.physics.operator import Mask, Operator
from unseen.physics.tensor_products import describe


class Stacked(Operator):
    """x ↦ (A₁ x, A₂ x, …), the measurements side by side along the channel axis where they differ in that alone, else
    end to end, (1, m₁ + m₂ + …), each in reading order.
    """

    parts: tuple[Operator, ...]
    _flat: bool

    def __init__(self, parts: Sequence[Operator]) -> None:
        if not parts:
            raise ValueError("stack takes at least one operator, but got none.")
        given: Sequence[object] = parts
        for one in given:
            if not isinstance(one, Operator):
                raise TypeError(f"stack takes operators, as in stack(A, B), but got a {type(one).__name__}.")
        first = parts[0]
        for part in parts[1:]:
            if part.domain != first.domain:
                raise ValueError(
                    "Stacked operators see the same image, but take "
                    f"{describe(first.domain)} and {describe(part.domain)}."
                )
        check_one_kind(parts)
        flat = any(part.range[1:] != first.range[1:] for part in parts)
        shape = (
            (1, sum(math.prod(part.range) for part in parts))
            if flat
            else (sum(part.range[0] for part in parts), *first.range[1:])
        )
        super().__init__(domain=first.domain, range=shape, batch=shared_batch(parts))
        self._set(
            parts=tuple(parts),
            _flat=flat,
            complex_domain=any(part.complex_domain for part in parts),
            complex_range=any(part.complex_range for part in parts),
            real_or_complex=all(part.real_or_complex for part in parts),
            pinv_by_steps=any(part.pinv_by_steps for part in parts),
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self._joined([part(x) for part in self.parts])

    def _adjoint(self, y: Tensor) -> Tensor:
        images = [adjoint_of(part, piece) for part, piece in zip(self.parts, self._split(y), strict=True)]
        return torch.stack(images).sum(dim=0)

    def _joined(self, pieces: Sequence[Tensor]) -> Tensor:
        """(batch, *range) from each part's measurements."""
        return torch.cat(
            [piece.flatten(1)[:, None] for piece in pieces] if self._flat else list(pieces), dim=-1 if self._flat else 1
        )

    def _split(self, y: Tensor) -> list[Tensor]:
        """Return each part's measurements."""
        if not self._flat:
            return list(torch.split(y, [part.range[0] for part in self.parts], dim=1))
        pieces = torch.split(y[:, 0], [math.prod(part.range) for part in self.parts], dim=-1)
        return [piece.reshape(-1, *part.range) for piece, part in zip(pieces, self.parts, strict=True)]

    def observed(self) -> Mask | None:
        masks = [part.observed() for part in self.parts]
        if all(mask is None for mask in masks):
            return None
        kept = [
            torch.ones(self.batch or 1, *part.range, dtype=torch.bool)
            if mask is None
            else mask.mask.expand(self.batch or 1, *part.range)
            for part, mask in zip(self.parts, masks, strict=True)
        ]
        return Mask(self._joined(kept), axes=len(self.range))

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Stacked([part.select(samples) for part in self.parts])


def stack(*parts: Operator) -> Operator:
    """Several operators on one image, their measurements side by side along the channel axis, or end to end.

    Args:
        parts: operators of one domain. Where their ranges agree in all but the channels, measurements lie along these;
            else they are flattened, (1, m₁ + m₂ + …).

    Returns:
        The operator x ↦ (A₁ x, A₂ x, …).

    Raises:
        ValueError: no operator, or shapes that do not fit.

    Example:
        >>> from unseen.physics import Identity
        >>> stack(Identity((1, 8, 8)), 2 * Identity((1, 8, 8))).range
        (2, 8, 8)
        >>> from unseen.physics import CompressedSensing
        >>> stack(Identity((1, 8, 8)), CompressedSensing(8, 10)).range
        (1, 74)
    """
    return Stacked(parts)
