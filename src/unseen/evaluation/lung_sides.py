"""Comparison of a film's two lungs: the map's mass in each, and simple statistics of each.

side_ratio  (r − l) / (r + l): r, l = mean of the highest tenth of the map's cells in the right, the left lung
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unseen.evaluation.roc import Floats
from unseen.evaluation.simple_statistics import laplacian

TOP = 0.1
"""Share of a lung's cells whose mean is the lung's mass: a lesion is smaller than a lung, and one cell is noise."""

LUNG_SHORTCUTS = {"area": "lung area", "grey": "mean grey value", "texture": "mean |Laplacian|"}
"""Simple statistics of one lung that `lung_shortcuts` compares between the sides, each with its words."""


def side_ratio(anomaly_map: ArrayLike, right: ArrayLike, left: ArrayLike, *, top: float = TOP) -> float:
    """Compare the map's mass in both lungs: above 0 where it is greater in the right lung.

    Args:
        anomaly_map: the map, shape (height, width), 0 or more, higher is more abnormal.
        right: the patient's right lung on the map's grid, shape (height, width), nonzero inside.
        left: the left lung, likewise.
        top: share of a lung's cells that count, the highest ones; above 0, at most 1.

    Returns:
        (r − l) / (r + l), −1 to 1, with the means r and l of the highest cells of the right and the left lung; 0 where
        both are 0. It is an increasing function of log(r / l), and the mirrored film has the negative value.

    Raises:
        ValueError: the shapes differ, a lung has no cell, the map has negative or non-finite values inside the lungs,
            or `top` is out of range.

    Example:
        >>> side_ratio([[3.0, 0.0, 1.0]], [[1, 0, 0]], [[0, 0, 1]])
        0.5
    """
    if not 0 < top <= 1:
        raise ValueError(f"top is {top}; give a share above 0 and at most 1.")
    return _contrast(*(_mass(np.asarray(anomaly_map, np.float64), lung, top) for lung in (right, left)))


def _mass(anomaly_map: Floats, lung: ArrayLike, top: float) -> float:
    inside = np.asarray(lung) != 0
    if inside.shape != anomaly_map.shape:
        raise ValueError(f"the map is {anomaly_map.shape}, the lung {inside.shape}; bring both onto the map's grid.")
    cells = anomaly_map[inside]
    if not len(cells):
        raise ValueError("a lung has no cell on the map's grid. Leave the film out.")
    if not np.isfinite(cells).all() or cells.min() < 0:
        raise ValueError("the map has negative or non-finite values inside the lungs; give a map of values ≥ 0.")
    most = max(1, round(top * len(cells)))
    return float(np.sort(cells)[-most:].mean())


def _contrast(right: float, left: float) -> float:
    return (right - left) / (right + left) if right + left > 0 else 0.0


def lung_shortcuts(pixels: ArrayLike, right: ArrayLike, left: ArrayLike) -> dict[str, float]:
    """Compare simple statistics of both lungs, each as (right − left) / (right + left).

    Args:
        pixels: the film, shape (height, width), 0 to 1.
        right: the patient's right lung on the film, shape (height, width), nonzero inside.
        left: the left lung, likewise.

    Returns:
        A value from −1 to 1 for each name of `LUNG_SHORTCUTS`: the lung's area, its mean grey value and its mean
        absolute Laplacian.

    Raises:
        ValueError: the shapes differ, or a lung has no pixel.

    Example:
        >>> film, sides = np.full((4, 4), 0.5), np.arange(4)[None].repeat(4, 0)
        >>> lung_shortcuts(film, sides == 0, sides >= 2)["grey"]
        0.0
    """
    film = np.asarray(pixels, dtype=np.float32)
    # edge pixels have no four neighbours; the film's edge is repeated
    detail = np.abs(laplacian(np.pad(film, 1, mode="edge")))
    measured: list[dict[str, float]] = []
    for lung in (right, left):
        inside = np.asarray(lung) != 0
        if inside.shape != film.shape:
            raise ValueError(f"the film is {film.shape}, the lung {inside.shape}; give both on one grid.")
        if not inside.any():
            raise ValueError("a lung has no pixel. Leave the film out.")
        measured.append(
            {
                "area": float(inside.mean()),
                "grey": float(film[inside].mean(dtype=np.float64)),
                "texture": float(detail[inside].mean(dtype=np.float64)),
            }
        )
    return {name: _contrast(measured[0][name], measured[1][name]) for name in LUNG_SHORTCUTS}
