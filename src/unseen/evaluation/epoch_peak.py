"""Best epoch of a validation curve, for comparison with work that reports it.

The epoch is chosen on the same films on which it is measured, so the figure is too high by construction. It is never
the main figure of metrics.json, and it always has its own name.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unseen.evaluation.intervals import Json

PEEKS = "best epoch: chosen by the films it is measured on, so too high; not the headline"


@dataclass(frozen=True)
class BestEpoch:
    """Epoch with the highest AUROC, the AUROC there, and the AUROC at the last epoch (the fixed rule).

    Args:
        epoch: the epoch with the highest AUROC, from 1.
        best_epoch_auroc: the AUROC there; optimistic, because labels selected the epoch.
        last_epoch_auroc: the AUROC at the last epoch.
        note: a reminder that the best epoch is optimistic.

    >>> BestEpoch(2, 0.8, 0.7).to_json()["best_epoch_auroc"]
    0.8
    """

    epoch: int
    best_epoch_auroc: float
    last_epoch_auroc: float
    note: str = PEEKS

    def to_json(self) -> dict[str, Json]:
        """Return the values under their own names, never as ``auroc``."""
        return {
            "epoch": self.epoch,
            "best_epoch_auroc": round(self.best_epoch_auroc, 6),
            "last_epoch_auroc": round(self.last_epoch_auroc, 6),
            "note": self.note,
        }


def best_epoch(curve: Mapping[int, float] | Sequence[float]) -> BestEpoch:
    """Return the peak of a validation curve; the first of equal peaks.

    Args:
        curve: epoch → AUROC, or one AUROC per epoch from epoch 1.

    Raises:
        ValueError: no value is finite.

    >>> best_epoch([0.6, 0.8, 0.7]).epoch
    2
    """
    points = dict(curve) if isinstance(curve, Mapping) else dict(enumerate(curve, start=1))
    finite = {epoch: value for epoch, value in points.items() if math.isfinite(value)}
    if not finite:
        raise ValueError(f"the curve has no finite value among {len(points)}; validate at least one epoch.")
    peak = max(sorted(finite), key=lambda epoch: finite[epoch])
    return BestEpoch(peak, finite[peak], finite[max(finite)])
