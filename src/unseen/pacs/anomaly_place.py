"""Where on a film an anomaly map is strongest, and the outline around that place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.pacs.study_result import FilmResult

_HALF = 0.5  # of the highest value: as the width of a peak is measured


def box_of(film: FilmResult) -> tuple[float, float, float, float]:
    """Top, left, bottom, right of the map on the film, in pixels; the whole film where no box is given."""
    return film.box or (0.0, 0.0, float(film.header.Rows), float(film.header.Columns))


def strongest_place(film: FilmResult) -> tuple[float, float] | None:
    """(row, column) on the film, in pixels from its top left corner, within the film.

    None where the film has neither a place nor a map, or the map is zero everywhere.

    >>> from pydicom.dataset import Dataset
    >>> from unseen.pacs.study_result import FilmResult
    >>> header = Dataset()
    >>> header.Rows, header.Columns = 100, 200
    >>> strongest_place(FilmResult(header=header, anomaly_map=np.array([[0.0, 1.0], [0.0, 0.0]])))
    (25.0, 150.0)
    """
    place = film.strongest or _peak(film)
    if place is None:
        return None
    return min(max(place[0], 0.0), float(film.header.Rows)), min(max(place[1], 0.0), float(film.header.Columns))


def outline(film: FilmResult) -> NDArray[np.float64] | None:
    """(n, 2), rows and columns on the film, in pixels, the last point the first: the convex hull of the cells that
    join the map's peak and have at least half of its height. None without a map, or where it is zero everywhere."""
    from scipy.ndimage import label
    from scipy.spatial import ConvexHull

    peak = None if film.anomaly_map is None else _peak_cell(film.anomaly_map)
    if film.anomaly_map is None or peak is None:
        return None
    high = np.nan_to_num(film.anomaly_map) >= _HALF * film.anomaly_map[peak]  # (height, width)
    regions, _ = label(high)
    cells = np.argwhere(regions == regions[peak])  # (cells, 2)
    corners = np.concatenate([cells + step for step in ((0, 0), (0, 1), (1, 0), (1, 1))])
    hull = corners[ConvexHull(corners).vertices]
    top, left, bottom, right = box_of(film)
    height, width = film.anomaly_map.shape
    points = hull * ((bottom - top) / height, (right - left) / width) + (top, left)
    points = np.clip(points, 0.0, (float(film.header.Rows), float(film.header.Columns)))
    return np.concatenate([points, points[:1]])


def _peak(film: FilmResult) -> tuple[float, float] | None:
    if film.anomaly_map is None or (cell := _peak_cell(film.anomaly_map)) is None:
        return None
    top, left, bottom, right = box_of(film)
    height, width = film.anomaly_map.shape
    return top + (cell[0] + 0.5) * (bottom - top) / height, left + (cell[1] + 0.5) * (right - left) / width


def _peak_cell(anomaly_map: NDArray[np.floating]) -> tuple[int, int] | None:
    values = np.nan_to_num(anomaly_map)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return (int(row), int(column)) if values[row, column] > 0 else None
