"""Best epoch of a validation curve, for comparison with work that reports it.

The epoch is chosen by the films that it is measured on, so the figure is too high by construction. It never enters the
headline of metrics.json and carries its name wherever it goes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unseen.evaluation.intervals import Json

PEEKS = "best epoch: chosen by the films it is measured on, so too high; not the headline"


@dataclass(frozen=True)
class BestEpoch:
    """The epoch with the highest figure, the figure there, and the one at the last epoch (the fixed rule).

    Args:
        epoch: the epoch with the highest AUROC, from 1.
        best_epoch_auroc: the AUROC there; optimistic, as it was selected by labels.
        last_epoch_auroc: the AUROC at the last epoch.
        note: a reminder of that.

    >>> BestEpoch(2, 0.8, 0.7).to_json()["best_epoch_auroc"]
    0.8
    """

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
    """The peak of a validation curve; the first of equal peaks.

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
