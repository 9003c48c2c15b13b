"""Result of a decision as plain data: `StudyResult` with its `FilmResult`s. Result objects are made from it alone.

Places on a film are continuous, (row, column): (0, 0) is the top left corner of the top left pixel, whose centre is at
(0.5, 0.5), as in PS3.3, C.10.5.1.2 and C.18.6.1.1 (there column first).

Where on a film an anomaly map is strongest, and the outline around that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from unseen.screening import Action


Kind = Literal["sr", "capture", "overlay"]
"""A structured report, a secondary capture with the map burnt in, a grey-scale presentation state."""

DECISIONS: Final[dict[Action, str]] = {
    "clear": "Cleared: below the threshold that the site's policy sets",
    "read": "To be read",
    "not_scored": "Not scored: a person looks at it first",
}
"""A decision in words; none of them calls a film normal."""


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """An earlier object that a result supersedes: its SOP Class, SOP Instance and Series Instance UID."""

    sop_class: str
    instance: str
    series: str


@dataclass(frozen=True, kw_only=True, eq=False)
class FilmResult:
    """One film of the study.

    Args:
        header: the film's data set, without pixels; it is not altered.
        pixels: (rows, columns), grey values in [0, 1], white = dense; None where no capture is wanted.
        score: the detector's, in its own unit; None where the film was not scored.
        probability: of being abnormal, at the site's prevalence, 0 to 1; None where it is not calibrated.
        percentile: share of the normal reference films with a lower score, 0 to 100; None where it is not calibrated.
        anomaly_map: (height, width), 0 or more, higher differs more; None without one.
        box: top, left, bottom, right of the map on the film, in pixels; None: the whole film.
        strongest: the place of the map's highest value; None: it follows from the map.
    """

    header: Dataset = field(repr=False)
    pixels: NDArray[np.float32] | None = field(default=None, repr=False)
    score: float | None = None
    probability: float | None = None
    percentile: float | None = None
    anomaly_map: NDArray[np.floating] | None = field(default=None, repr=False)
    box: tuple[float, float, float, float] | None = None
    strongest: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyResult:
    """A decision about a study, and what it rests on.

    Args:
        site: the installation's own key, from which UIDs follow.
        decision: the decision's number within the installation, and its time; a later decision has another one.
        films: at least one, all of one study.
        probability: of the study, 0 to 1; None where it is not calibrated or was not scored.
        priority: higher is read earlier.
        rank: its place in the reading list, in words; "" without one.
        reason: a sentence.
        policy_digest: SHA-256 of the policy that decided; "" without one.
        made: when it was decided; in the site's local time, which objects of films without an offset from UTC have.
        station: our application entity title.
        replaces: the objects of earlier decisions that this one supersedes, oldest first.
    """

    site: str
    decision: str
    films: Sequence[FilmResult]
    action: Action
    probability: float | None = None
    priority: float
    rank: str = ""
    reason: str
    policy_digest: str = ""
    model_sha256: str
    model_name: str
    version: str
    made: datetime
    station: str
    replaces: Sequence[Replaced] = ()


_HALF = 0.5  # of the highest value: as the width of a peak is measured


def box_of(film: FilmResult) -> tuple[float, float, float, float]:
    """Return top, left, bottom and right of the map on the film, in pixels; of the whole film where no box is given."""
    return film.box or (0.0, 0.0, float(film.header.Rows), float(film.header.Columns))


def strongest_place(film: FilmResult) -> tuple[float, float] | None:
    """(row, column) on the film, in pixels from its top left corner, within the film.

    None where the film has neither a place nor a map, or the map is zero everywhere.

    >>> from pydicom.dataset import Dataset
    >>> from unseen_server.pacs.study_result import FilmResult
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
