"""Operators made of operators: one after the other, scaled, or side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

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
        super().__init__(domain=inner.domain, range=outer.range, batch=_shared_batch([outer, inner]))
        self._set(outer=outer, inner=inner, complex_domain=inner.complex_domain)

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.adjoint(y))


class Scaled(Operator):
    """x ↦ factor · A(x), written `factor * A`."""

    factor: float
    unscaled: Operator

    def __init__(self, factor: float, unscaled: Operator) -> None:
        if not math.isfinite(factor):
            raise ValueError(f"An operator is scaled by a finite number, but got {factor}.")
        super().__init__(domain=unscaled.domain, range=unscaled.range, batch=unscaled.batch)
        self._set(factor=float(factor), unscaled=unscaled, complex_domain=unscaled.complex_domain)

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
        channels = sum(part.range[0] for part in parts)
        super().__init__(domain=first.domain, range=(channels, *first.range[1:]), batch=_shared_batch(parts))
        self._set(parts=tuple(parts), complex_domain=first.complex_domain)

    def _forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self.parts], dim=1)

    def _adjoint(self, y: Tensor) -> Tensor:
        pieces = torch.split(y, [part.range[0] for part in self.parts], dim=1)
        backprojections = [part.adjoint(piece) for part, piece in zip(self.parts, pieces, strict=True)]
        return torch.stack(backprojections).sum(dim=0)


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


def _shared_batch(operators: Sequence[Operator]) -> int | None:
    sizes = {operator.batch for operator in operators if operator.batch is not None}
    if len(sizes) > 1:
        raise ValueError(
            f"Operators made for batches of {' and '.join(map(str, sorted(sizes)))} pictures do not combine."
        )
    return sizes.pop() if sizes else None
