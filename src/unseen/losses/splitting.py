"""Splitting: reconstruct from a part of the measurement, and compare with the rest."""

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.independent_pair import check_share
from unseen.losses.loss import Loss, Seen
from unseen.losses.sums import at_least_single, squares
from unseen.physics.generator_device import generator_device
from unseen.physics.operator import Operator


class Splitting(Loss):
    """‖(1 − ω) ⊙ (y − link(A f(ω ⊙ y, ω A)))‖² / m₂,  over the m₂ observed real components that ω leaves out.

    ω is drawn for each sample, and keeps a location of all channels (coils, colours) or none. Where no truth is known
    it is the field's other way; it needs noise that is independent between locations, and what A shows of no image it
    does not find either.

    Args:
        kept: the share of the locations that f is given, in (0, 1).
        weight: ≥ 0.

    Raises:
        ValueError: the share is not between 0 and 1.

    Example:
        >>> from unseen.physics import Identity, Measurement
        >>> seen = Seen(torch.ones(2, 1, 8, 8), Measurement(Identity((1, 8, 8))), lambda y, process: 0 * y)
        >>> Splitting(kept=0.5)(seen, generator=torch.Generator().manual_seed(0)).tolist()
        [1.0, 1.0]

    Source: Yaman et al., Self-supervised learning of physics-guided reconstruction neural networks without fully
    sampled reference data, Magnetic Resonance in Medicine 84 (2020) 3172–3191, doi:10.1002/mrm.28378, where kept is
    0.6.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, kept: float = 0.6, *, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        check_share(kept)
        self.kept = kept

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        process, y = seen.process, seen.y
        device = generator_device(generator)
        locations = (len(y), 1, *y.shape[2:])
        kept = (torch.rand(locations, generator=generator, device=device) < self.kept).cpu().expand(y.shape)
        part = process.A.restrict(kept)
        kept = kept.to(y.device)
        nothing = torch.zeros_like(y)
        given = torch.where(kept, y, nothing if process.link is None else process.link(nothing))
        found = self._predicted(seen, given, part, generator)
        mask = process.A.observed()
        judging = ~kept if mask is None else ~kept & mask.mask.to(y.device)
        judged = squares(judging * (at_least_single(y) - at_least_single(found)))
        m = judging.flatten(1).sum(dim=1) * (2 if y.is_complex() else 1)
        return judged / m.clamp(min=1)

    def _predicted(self, seen: Seen, given: Tensor, part: Operator, generator: torch.Generator | None) -> Tensor:
        """Return the whole measurement as f predicts it from the part that it is given: (batch, *A.range)."""
        del generator
        return seen.process.mean(seen.instead(given, replace(seen.process, A=part)))

    def __repr__(self) -> str:
        return f"Splitting(kept={self.kept:g}, weight={self.weight:g})"
