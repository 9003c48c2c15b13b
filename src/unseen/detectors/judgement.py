"""Result of a method for one viewed film: score, parts of the score, anomaly map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Judgement:
    """Result of a method for one viewed film.

    Args:
        score: higher is less like the training films.
        parts: the score's ingredients, by name.
        anomaly_map: float32 (size, size) ≥ 0.
        reconstruction: float32 (size, size), network units; None for a method that gives no image back.

    >>> Judgement(0.5, {"residual": 0.5}, np.zeros((64, 64), np.float32)).score
    0.5
    """

    score: float
    parts: Mapping[str, float]
    anomaly_map: NDArray[np.float32]
    reconstruction: NDArray[np.float32] | None = None
