"""Worklist of the demonstration: films arrived over some hours, were scored, and a simulated reader reported some.

The films and their reports come from a manifest with true labels. A real `Worker` scores the films and decides.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unseen.artifacts import write_text
from unseen.data import read_manifest
from unseen.detectors import load as load_detector
from unseen.screening import load
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

if TYPE_CHECKING:
    from unseen_server.worklist.listing import ListedStudy

READER: Final = "simulated reader"
_MARK: Final = "made-by-unseen-demo"
_HOURS: Final = 7.0  # over which the films arrived
_READING: Final = 0.8, 0.02  # hours ago: when the reader began, and stopped
_MOST_ROWS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Numbers of studies by state and reported outcome; one study for each film, and one for the unreadable file."""

    to_read: int
    cleared: int
    not_scored: int
    reported_normal: int
    reported_abnormal: int

    @property
    def reported(self) -> int:
        return self.reported_normal + self.reported_abnormal

    def __str__(self) -> str:
        return (
            f"{self.to_read + self.cleared + self.reported} studies: "
            f"{self.to_read} to read ({self.not_scored} of them could not be scored), {self.cleared} cleared, "
            f"{self.reported} reported by a simulated reader who knows the truth ({self.reported_abnormal} abnormal)"
        )


class _Clock:
    """Clock that is some hours behind."""

    def __init__(self) -> None:
        self.ago_s = _HOURS * 3600

    def __call__(self) -> float:
        return time.time() - self.ago_s

    def be(self, hours_ago: float) -> None:
        """Set the clock to this many hours ago; it never goes back."""
        self.ago_s = min(self.ago_s, hours_ago * 3600)


def fill(
    folder: Path,
    *,
    films: Path,
    unreadable: Path,
    model: Path,
    policy: Path,
    further: Sequence[Path],
    reported: int = 36,
    left: int = 15,
    counting: Callable[[int], Callable[[int], None]] | None = None,
) -> Filled:
    """Make the worklist `folder`, or replace it if an earlier call made it.

    Args:
        folder: the worklist's folder.
        films: a manifest; the reader reports its labels.
        unreadable: a file that no worker can read.
        model: bundle of the model that decides.
        policy: its policy.
        further: bundles of models that score for comparison.
        reported: largest number of studies that the reader reports.
        left: smallest number of studies that stay unread.
        counting: called with the number of films and of the unreadable file together; returns what is called with the
            number that the worker has processed.

    Returns:
        The numbers of studies in the worklist.

    Raises:
        WorklistError: `folder` exists and was not made by an earlier call.
    """
    _clear(folder)
    clock = _Clock()
    truth: dict[str, str] = {}
    with Store.open(folder, clock=clock) as store:
        entries = read_manifest(films)
        screener, others = load(model, policy), [load_detector(one) for one in further]
        worker = Worker(store, lambda: screener, further=lambda: others)
        progress, processed = counting and counting(len(entries) + 1), 0
        for number, entry in enumerate(entries):
            clock.be(_HOURS + (_READING[0] + 0.1 - _HOURS) * number / len(entries))
            if number == len(entries) // 2:
                store.films.receive(unreadable.read_bytes(), name=unreadable.name, source=entry.source, actor="demo")
                processed += 1
            sent = store.films.receive(entry.path.read_bytes(), name=entry.path.name, source=entry.source, actor="demo")
            truth[sent.film_id] = entry.label or "unsure"
            worker.drain()
            processed += 1
            if progress:
                progress(processed)
        clock.be(_READING[0])
        store.tidy()  # the last studies are complete by now
        chosen = _chosen([row for row in _rows(store) if row.state == "to_read"], reported, left)
        outcomes = []
        for number, row in enumerate(chosen):
            clock.be(_READING[0] + (_READING[1] - _READING[0]) * number / len(chosen))
            (film,) = store.studies.details(row.study).films
            outcomes.append(truth[film.film])
            store.studies.claim(row.study, READER)
            store.reports.enter(row.study, READER, truth[film.film], simulated=True)  # type: ignore[arg-type]  # a label is one
        clock.be(0.0)
        rows = _rows(store)
        return Filled(
            to_read=len(rows),
            cleared=store.studies.page(StudyQuery(tab="cleared")).total,
            not_scored=sum(row.state == "not_scored" for row in rows),
            reported_normal=outcomes.count("normal"),
            reported_abnormal=outcomes.count("abnormal"),
        )


def check_free(folder: Path) -> None:
    """Raise WorklistError unless `fill` may make `folder`; call it before a long demonstration."""
    if folder.exists() and not (folder / _MARK).is_file():
        raise WorklistError(
            f"{folder}: it exists, and was not made by the demonstration, which would remove it. Move it away, or give "
            "another --out."
        )


def _clear(folder: Path) -> None:
    """Make an empty folder, marked as one that a later call may replace."""
    check_free(folder)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_text(folder / _MARK, "The demonstration removes this folder when it runs again.\n")


def _rows(store: Store) -> list[ListedStudy]:
    """Return the rows that are to be read, in the order of the list."""
    return list(store.studies.page(StudyQuery(tab="to_read", limit=_MOST_ROWS, blind=False)).rows)


def _chosen(rows: Sequence[ListedStudy], most: int, left: int) -> list[ListedStudy]:
    """Return at most `most` evenly spaced rows, and leave at least `left`. So each outcome keeps its share.

    >>> _chosen("abcdef", 4, 3)
    ['a', 'c', 'e']
    """
    wanted = max(0, min(most, len(rows) - left))
    return [rows[index * len(rows) // wanted] for index in range(wanted)]
