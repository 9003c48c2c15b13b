"""What a decision found, as plain data: `StudyResult` with its `FilmResult`s. Result objects are made from it alone.

Places on a film are continuous, (row, column): (0, 0) is the top left corner of the top left pixel, whose centre is at
(0.5, 0.5), as in PS3.3, C.10.5.1.2 and C.18.6.1.1 (there column first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from unseen.screening.policy import Action

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

    header       the film's data set, without pixels; it is not altered
    pixels       (rows, columns), unsigned integers, white = dense; None where no capture is wanted
    score        the detector's, in its own unit; None where the film was not scored
    probability  of being abnormal, at the site's prevalence, 0 to 1; None where it is not calibrated
    percentile   share of the normal reference films with a lower score, 0 to 100; None where it is not calibrated
    anomaly_map  (height, width), 0 or more, higher differs more; None without one
    box          top, left, bottom, right of the map on the film, in pixels; None: the whole film
    strongest    the place of the map's highest value; None: it follows from the map
    """

    header: Dataset = field(repr=False)
    pixels: NDArray[np.unsignedinteger] | None = field(default=None, repr=False)
    score: float | None = None
    probability: float | None = None
    percentile: float | None = None
    anomaly_map: NDArray[np.floating] | None = field(default=None, repr=False)
    box: tuple[float, float, float, float] | None = None
    strongest: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyResult:
    """A decision about a study, and what it rests on.

    site           the installation's own key, from which UIDs follow
    decision       the decision's number within the installation, and its time; a later decision has another one
    films          at least one, all of one study
    probability    of the study, 0 to 1; None where it is not calibrated or was not scored
    priority       higher is read earlier
    rank           its place in the reading list, in words; "" without one
    reason         a sentence
    policy_digest  SHA-256 of the policy that decided; "" without one
    made           when it was decided, in the site's local time
    station        our application entity title
    replaces       the objects of earlier decisions that this one supersedes, oldest first
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
