"""Conformal p-value: rank of a score among normals alone. No labelled abnormal is needed.

    p = (1 + #{normals with a score ≥ s}) / (n + 1)

For a normal study exchangeable with the n calibration normals, P(p ≤ t) ≤ t for every t.

Source: Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005), ch. 2; for outliers, Bates et al.,
Ann. Statist. 51 (2023).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def p_value(score: float, normals: Sequence[float]) -> float:
    """Return the conformal p-value of a score. `normals`: the calibration normals' scores, increasing; at least one.

    >>> p_value(2.5, [1.0, 2.0, 3.0]), p_value(9.0, [1.0, 2.0, 3.0])
    (0.5, 0.25)
    """
    return (1 + len(normals) - bisect_left(normals, score)) / (len(normals) + 1)
