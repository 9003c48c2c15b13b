"""`AbsoluteConsistency`: the mean absolute difference between a measurement and the measured reconstruction."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses import Loss, Seen, at_least_single


class AbsoluteConsistency(Loss):
    """mean |y − A f(y)|, for measurements with outliers.

    Args:
        weight: ≥ 0.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    degree = 1  # of measurements: no squares

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        del generator
        return (at_least_single(seen.y) - at_least_single(seen.remeasured)).abs().flatten(1).mean(1)
