"""Operators made of operators: one after the other, scaled, or side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.mask import Mask
from unseen.physics.operator import Operator, describe


class Composed(Operator):
    """x ↦ outer(inner(x)), written `outer @ inner`. Its pseudo-inverse is found by conjugate gradients: (A B)⁺ ≠ B⁺ A⁺
    in general.
    """

    outer: Operator
    inner: Operator

    def __init__(self, outer: Operator, inner: Operator) -> None:
        if outer.domain != inner.range:
            raise ValueError(
                f"outer @ inner: outer takes {describe(outer.domain)}, but inner gives {describe(inner.range)}."
            )
        if inner.complex_range and not (outer.complex_domain or outer.real_or_complex):
            raise ValueError(f"outer @ inner: inner gives complex numbers, but {type(outer).__name__} takes real ones.")
        super().__init__(domain=inner.domain, range=outer.range, batch=_shared_batch([outer, inner]))
        self._set(
            outer=outer,
            inner=inner,
            complex_domain=inner.complex_domain or (inner.real_or_complex and outer.complex_domain),
            complex_range=outer.complex_range or (outer.real_or_complex and inner.complex_range),
            real_or_complex=outer.real_or_complex and inner.real_or_complex,
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.adjoint(y))

    def observed(self) -> Mask | None:
        return self.outer.observed()

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Composed(self.outer.select(samples), self.inner.select(samples))


class Scaled(Operator):
    """x ↦ factor · A(x), written `factor * A`."""

    factor: float
    unscaled: Operator

    def __init__(self, factor: float, unscaled: Operator) -> None:
        if not math.isfinite(factor):
            raise ValueError(f"An operator is scaled by a finite number, but got {factor}.")
        super().__init__(domain=unscaled.domain, range=unscaled.range, batch=unscaled.batch)
        self._set(factor=float(factor), unscaled=unscaled, **_numbers_of(unscaled))

    def _forward(self, x: Tensor) -> Tensor:
        return self.factor * self.unscaled(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.factor * self.unscaled.adjoint(y)

    def _pinv(self, y: Tensor) -> Tensor:
        if self.factor == 0:
            return 0 * self.unscaled.adjoint(y)
        return self.unscaled.pinv(y) / self.factor

    def norm(self) -> float:
        return abs(self.factor) * self.unscaled.norm()

    def observed(self) -> Mask | None:
        return self.unscaled.observed()

    def select(self, samples: Tensor) -> Operator:
        return self if self.batch is None else Scaled(self.factor, self.unscaled.select(samples))


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
                    "Stacked operators see the same picture, but take "
                    f"{describe(first.domain)} and {describe(part.domain)}."
                )
            if part.range[1:] != first.range[1:]:
                raise ValueError(
                    "Stacked measurements lie side by side along the channels, but "
                    f"{describe(first.range)} and {describe(part.range)} differ in another axis."
                )
        if len({part.complex_domain for part in parts if not part.real_or_complex}) > 1:
            raise ValueError("Stacked operators see the same picture, but some take complex and some real numbers.")
        channels = sum(part.range[0] for part in parts)
        super().__init__(domain=first.domain, range=(channels, *first.range[1:]), batch=_shared_batch(parts))
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


class Restricted(Operator):
    """x ↦ kept ⊙ A(x), written `A.restrict(kept)`. Its pseudo-inverse is found by conjugate gradients."""

    whole: Operator
    _kept: Tensor  # (1 or batch, *range), bool

    def __init__(self, whole: Operator, kept: Tensor) -> None:
        if kept.dtype != torch.bool or tuple(kept.shape[-len(whole.range) :]) != whole.range:
            raise ValueError(
                f"restrict takes a bool tensor of shape {describe(whole.range)}, or with a batch before it, but got "
                f"{kept.dtype} of shape {describe(tuple(kept.shape))}."
            )
        kept = kept.detach().clone().reshape(-1, *whole.range)
        sizes = {size for size in (whole.batch, len(kept) if len(kept) > 1 else None) if size is not None}
        if len(sizes) > 1:
            raise ValueError(f"A is made for batches of {whole.batch}, but {len(kept)} choices of entries were given.")
        super().__init__(domain=whole.domain, range=whole.range, batch=sizes.pop() if sizes else None)
        self._set(whole=whole, _kept=kept, **_numbers_of(whole))

    def _forward(self, x: Tensor) -> Tensor:
        y = self.whole(x)
        return y * self._on("_kept", y)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.whole.adjoint(y * self._on("_kept", y))

    def observed(self) -> Mask | None:
        mask = self.whole.observed()
        return Mask(self._kept if mask is None else self._kept & mask.mask, axes=len(self.range))

    def select(self, samples: Tensor) -> Operator:
        if self.batch is None:
            return self
        return Restricted(self.whole.select(samples), self._kept[samples] if len(self._kept) > 1 else self._kept)


def stack(*parts: Operator) -> Operator:
    """Several operators on one picture, their measurements side by side along the channel axis.

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


def _numbers_of(operator: Operator) -> dict[str, bool]:
    return {
        "complex_domain": operator.complex_domain,
        "complex_range": operator.complex_range,
        "real_or_complex": operator.real_or_complex,
    }


def _shared_batch(operators: Sequence[Operator]) -> int | None:
    sizes = {operator.batch for operator in operators if operator.batch is not None}
    if len(sizes) > 1:
        raise ValueError(
            f"Operators made for batches of {' and '.join(map(str, sorted(sizes)))} pictures do not combine."
        )
    return sizes.pop() if sizes else None
