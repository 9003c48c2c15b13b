"""Result of one film: what a worker found, before it is entered into the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unseen.screening import Screened

if TYPE_CHECKING:
    from unseen.detectors import Finding
    from unseen_server.worklist.appearance import Appearance


@dataclass(frozen=True, kw_only=True)
class FurtherFinding:
    """A further model's finding on the film, for comparison only: it decides nothing."""

    finding: Finding
    model: str
    map_sha256: str


@dataclass(frozen=True, kw_only=True)
class FilmScreening:
    """Result of one film.

    Args:
        model: SHA-256 of the weights of the detector that decides.
        map_sha256: of the anomaly map's file, placed already; None without a map.
        compared: findings of further models.
        appearance: how the film looks; None where it was not read.
    """

    screened: Screened
    model: str
    map_sha256: str | None
    compared: Sequence[FurtherFinding] = ()
    appearance: Appearance | None = None
