"""Equivariant splitting (ES): splitting in which one operator A counts as many, A T_g."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from unseen.losses.loss import Seen
from unseen.losses.splitting import Splitting
from unseen.physics.group import Group, check_is_group
from unseen.physics.operator import Mask, Operator


class EquivariantSplitting(Splitting):
    """‖(1 − ω) ⊙ (y − link(A T_g f(ω ⊙ y, ω A T_g)))‖² / m₂,  over the m₂ observed components that ω leaves out.

    Where images may be moved by a group, y is also the measurement of T_g⁻¹ x by A T_g. `Splitting` learns from many
    operators and nothing about what none of them shows; here the moved operators take their place, so that one A is
    enough, if A T_g shows what A does not (`un.physics.identify`). One pass of f, where `Equivariance` needs two. For a
    network with f(y, A T_g) = T_g⁻¹ f(y, A) the value is that of `Splitting`.

    Args:
        group: what images may undergo and still be images; one that moves whole pixels (`exact`).
        kept: the share of the locations that f is given, in (0, 1).
        weight: ≥ 0.

    Raises:
        TypeError: group is no group.
        ValueError: the share is not between 0 and 1, or the group interpolates.

    Example:
        >>> from unseen.physics import Identity, Measurement, Shifts
        >>> seen = Seen(torch.ones(2, 1, 8, 8), Measurement(Identity((1, 8, 8))), lambda y, process: 0 * y)
        >>> EquivariantSplitting(Shifts())(seen, generator=torch.Generator().manual_seed(0)).tolist()
        [1.0, 1.0]

    Source: Sechaud, Scanvic, Barthélemy, Abry & Tachella, Equivariant splitting: self-supervised learning from
    incomplete data, ICLR 2026, arXiv 2510.00929.
    """

    def __init__(self, group: Group, kept: float = 0.6, *, weight: float = 1.0) -> None:
        super().__init__(kept, weight=weight)
        check_is_group(group, type(self).__name__)
        if not group.exact:
            raise ValueError(
                f"EquivariantSplitting takes a group that moves whole pixels, but {group} interpolates. Take Shifts(), "
                "Flips() or Rotations(multiples_of=90)."
            )
        self.group = group

    def _predicted(self, seen: Seen, given: Tensor, part: Operator, generator: torch.Generator | None) -> Tensor:
        g = self.group.sample(len(given), generator=generator)
        moved = replace(seen.process, A=MovedOperator(part, self.group, g))
        return seen.process.mean(self.group.T(seen.instead(given, moved), g))

    def __repr__(self) -> str:
        return f"EquivariantSplitting({self.group}, kept={self.kept:g}, weight={self.weight:g})"


class MovedOperator(Operator):
    """A T_g, with an element g of an exact group for each sample; (A T_g)* = T_g⁻¹ A* and (A T_g)⁺ = T_g⁻¹ A⁺.

    Args:
        still: A.
        group: exact.
        g: (batch, parameters).
    """

    still: Operator
    group: Group
    g: Tensor

    def __init__(self, still: Operator, group: Group, g: Tensor) -> None:
        super().__init__(domain=still.domain, range=still.range, batch=len(g))
        self._set(
            still=still,
            group=group,
            g=g,
            complex_domain=still.complex_domain,
            complex_range=still.complex_range,
            real_or_complex=still.real_or_complex,
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self.still(self.group.T(x, self.g))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.group.inverse(self.still.adjoint(y), self.g)

    def _pinv(self, y: Tensor) -> Tensor:
        return self.group.inverse(self.still.pinv(y), self.g)

    def observed(self) -> Mask | None:
        return self.still.observed()

    def select(self, samples: Tensor) -> Operator:
        return MovedOperator(self.still.select(samples), self.group, self.g[samples.to(self.g.device)])
