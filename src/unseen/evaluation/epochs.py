"""The best epoch of a curve: a figure that peeks, kept for comparison with work that reports it.

It picks the epoch by the very films it is measured on, so it is too high by construction; it never enters the headline
of metrics.json and carries its name wherever it goes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unseen.evaluation.interval import Json

PEEKS = "best epoch: chosen by the films it is measured on, so too high; not the headline"


@dataclass(frozen=True)
class BestEpoch:
    """The epoch with the highest figure, the figure there, and the one at the last epoch (the fixed rule)."""

    epoch: int
    best_epoch_auroc: float
    last_epoch_auroc: float
    note: str = PEEKS

    def to_json(self) -> dict[str, Json]:
        """Under its own names: never ``auroc``."""
        return {
            "epoch": self.epoch,
            "best_epoch_auroc": round(self.best_epoch_auroc, 6),
            "last_epoch_auroc": round(self.last_epoch_auroc, 6),
            "note": self.note,
        }


def best_epoch(curve: Mapping[int, float] | Sequence[float]) -> BestEpoch:
    """The peak of a validation curve (epoch → AUROC, or one AUROC per epoch from epoch 1); the first of equal peaks.

    >>> best_epoch([0.6, 0.8, 0.7]).epoch
    2
    """
    points = dict(curve) if isinstance(curve, Mapping) else dict(enumerate(curve, start=1))
    finite = {epoch: value for epoch, value in points.items() if math.isfinite(value)}
    if not finite:
        raise ValueError(f"the curve has no finite value among {len(points)}; validate at least one epoch.")
    peak = max(sorted(finite), key=lambda epoch: finite[epoch])
    return BestEpoch(peak, finite[peak], finite[max(finite)])
