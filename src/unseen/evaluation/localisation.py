"""Localisation: agreement of the anomaly map with the lesion, and hits of its maximum (pointing game).

Pixel average precision is computed over the grid's pixels, lesion against all others. Its value at chance is the
lesion's share of the grid. The pointing game tests whether the map's highest pixel lies in the lesion (J. Zhang et al.,
ECCV 2016, § 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unseen.evaluation.bootstrap import numbers, text
from unseen.evaluation.group_names import group_names
from unseen.evaluation.intervals import Interval, Json
from unseen.evaluation.roc import Floats

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Localisation:
    """Localisation in one film.

    Attributes:
        average_precision: pixel average precision, 0 to 1.
        hit: True if the map's peak lies in the lesion.
        share: the lesion's share of the grid, 0 to 1.
    """

    average_precision: float
    hit: bool
    share: float


def localise(anomaly_map: NDArray[np.float32], lesion: NDArray[np.bool_]) -> Localisation | None:
    """Evaluate an anomaly map against a lesion mask.

    If several peaks are equal, more than half of them must lie in the lesion for a hit.

    Args:
        anomaly_map: (S, S), high = abnormal.
        lesion: (S, S).

    Returns:
        The figures of the film; None if the lesion is empty or fills the grid, or a value of the map is not finite.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> found = localise(np.eye(4, dtype=np.float32), np.eye(4, dtype=bool))
        >>> found.average_precision, found.hit, found.share
        (1.0, True, 0.25)
    """
    from sklearn.metrics import average_precision_score

    if anomaly_map.shape != lesion.shape:
        raise ValueError(
            f"the map is {anomaly_map.shape}, the lesion {lesion.shape}; bring both onto the network grid."
        )
    if not lesion.any() or lesion.all() or not np.isfinite(anomaly_map).all():
        return None
    precision = float(average_precision_score(lesion.reshape(-1), anomaly_map.reshape(-1)))
    peak = anomaly_map == anomaly_map.max()
    return Localisation(precision, bool(lesion[peak].mean() > 0.5), float(lesion.mean()))


def on_grid_lesion(coverage: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the lesion pixels of the network grid, from the share of each pixel that the lesion covers.

    A pixel counts if at least half of it is covered. A smaller lesion keeps its most covered pixel, unless the lesion
    lies outside the view.

    Args:
        coverage: (S, S), in [0, 1].

    Returns:
        The mask, (S, S).
    """
    mask = np.asarray(coverage >= 0.5)
    if not mask.any() and float(coverage.max(initial=0.0)) > 0.05:
        mask = np.asarray(coverage == coverage.max())
    return mask


def localisation_figures(table: pl.DataFrame, *, seed: int, draws: int) -> dict[str, Json]:
    """Return ``{"pooled" | kind: {"average_precision", "hit_rate", "chance", "n"}}`` over films with a lesion in view.

    A kind that is itself called "pooled" is "kind pooled". The figures are means over films. `chance` is the lesions'
    mean share of the grid: the expected precision and hit rate of a random map.
    """
    precision = numbers(table, "lesion_average_precision")
    known = np.isfinite(precision)
    if not known.any():
        return {}
    hit, share, kind = numbers(table, "lesion_hit"), numbers(table, "lesion_share"), text(table, "kind")
    out: dict[str, Json] = {}
    rng = np.random.default_rng([seed, 1])
    groups = {"pooled": known}
    kinds = sorted(str(one) for one in set(kind[known]) - {""})
    groups |= {name: known & (kind == one) for one, name in group_names(kinds, groups, what="kind").items()}
    for name, among in groups.items():
        out[name] = {
            "average_precision": _mean(precision[among], draws, rng).to_json(),
            "hit_rate": _mean(hit[among], draws, rng).to_json(),
            "chance": round(float(share[among].mean()), 6),
            "n": int(among.sum()),
        }
    return out


_DRAWN_AT_ONCE = 2**16  # values; half a megabyte


def _mean(values: Floats, draws: int, rng: np.random.Generator) -> Interval:
    n = len(values)
    rows = max(1, _DRAWN_AT_ONCE // n)
    means = np.concatenate(
        [values[rng.integers(0, n, (min(rows, draws - start), n))].mean(axis=1) for start in range(0, draws, rows)]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
