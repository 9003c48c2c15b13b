"""Back-fill from a peer: fetch the studies of a table or of a range of days, at a limited rate; resumable.

A small file records what was fetched (digests, no numbers of patients); it is rewritten after each study. The same
command resumes where it stopped, also after a kill, and tries the studies again that failed.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from unseen.artifacts import UserError, did_you_mean, number_of, reason_of, write_text
from unseen_server.pacs import peer_search
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.fetching import By, Fetched, fetch
from unseen_server.pacs.intake import Intake

_COLUMNS: Final = {
    "study": "study",
    "StudyInstanceUID": "study",
    "study_uid": "study",
    "accession": "accession",
    "AccessionNumber": "accession",
}
"""Columns of a table that are understood by their name."""


class BackFillError(UserError, ValueError):
    """A table, a range of days or a state file that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class FetchRequest:
    """Studies to be fetched: one by its UID or accession number, or all studies of a patient or a day.

    Args:
        place: where it stands, for messages: a line of the table, or the day.
    """

    kind: Literal["study", "accession", "patient", "day"]
    value: str = field(repr=False)
    place: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """Result of one study, or of an entry for which there is none."""

    place: str
    fetched: Fetched | None
    sentence: str = ""

    @property
    def ok(self) -> bool:
        """True if the study is here."""
        return self.fetched is not None and not self.fetched.failed and self.fetched.received > 0

    @property
    def why_not(self) -> str:
        """Sentence for a study that is missing or incomplete."""
        if self.fetched is None:
            return self.sentence
        if not self.fetched.received and not self.fetched.failed:
            return "the peer sent nothing of it"
        said = f": {self.fetched.sentence}" if self.fetched.sentence else ""
        objects = number_of(self.fetched.received + self.fetched.failed, "object")
        return f"{self.fetched.failed} of {objects} did not come{said}"


def from_table(path: Path, *, column: str | None = None) -> list[FetchRequest]:
    """Return the entries of a CSV: its column of study UIDs or accession numbers.

    Args:
        column: its name; None: the first of study, StudyInstanceUID, accession, AccessionNumber that there is.

    Raises BackFillError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BackFillError(
            f"{path}: cannot be read ({reason_of(error)}). Give a CSV in UTF-8 with a header line"
        ) from error
    name = column or next((known for known in _COLUMNS if known in columns), None)
    if name is None:
        raise BackFillError(
            f"{path}: has no column study or accession, but {', '.join(columns) or 'none'}. Give --column"
        )
    if name not in columns:
        raise BackFillError(f"{path}: column {name}: {did_you_mean(name, columns)}")
    wanted = []
    for line, row in rows:
        if value := (row[name] or "").strip():
            is_uid = _COLUMNS.get(name, "study" if _is_uid(value) else "accession") == "study"
            wanted.append(FetchRequest(kind="study" if is_uid else "accession", value=value, place=f"line {line}"))
    return wanted


def from_days(text: str) -> list[FetchRequest]:
    """Return the days of a range, the earliest first.

    >>> [day.value for day in from_days("20260131-20260201")]
    ['20260131', '20260201']
    >>> from_days("2026-01-31")
    Traceback (most recent call last):
    ...
    unseen_server.pacs.back_fill.BackFillError: "2026-01-31" is no range of days. Give 20260131, or 20260101-20260131
    """
    try:
        first, last = (
            datetime.strptime(part, "%Y%m%d") for part in (text if "-" in text else f"{text}-{text}").split("-")
        )
    except ValueError:
        raise BackFillError(f'"{text}" is no range of days. Give 20260131, or 20260101-20260131') from None
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    if not days:
        raise BackFillError(f'"{text}" ends before it begins. Give 20260101-20260131')
    return [FetchRequest(kind="day", value=f"{day:%Y%m%d}", place=f"day {day:%Y%m%d}") for day in days]


class FetchProgress:
    """Entries and studies that are done, in a file that is whole at any moment; without a path, in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._done: set[str] = set()
        if path is None:
            return
        try:
            self._done = set(json.loads(path.read_text(encoding="utf-8"))["done"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackFillError(
                f"{path}: is no record of a back-fill ({type(error).__name__}). Remove it, or give --state"
            ) from error

    @classmethod
    @contextmanager
    def locked(cls, path: Path) -> Iterator[FetchProgress]:
        """Lock the progress in a file, so that no other process works on it. Raises BackFillError where one does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BackFillError(f"{path}: another back-fill uses it. Wait for its end, or give --state") from error
            yield cls(path)
        finally:
            os.close(descriptor)

    def has(self, peer: Peer, kind: str, value: str) -> bool:
        """Return True if it was done before."""
        return _digest(peer, kind, value) in self._done

    def add(self, peer: Peer, kind: str, value: str) -> None:
        """Add a finished request; it is on the disk when this returns."""
        self._done.add(_digest(peer, kind, value))
        if self._path is not None:
            write_text(self._path, json.dumps({"done": sorted(self._done)}))

    def __len__(self) -> int:
        return len(self._done)


def back_fill(
    config: PacsConfig,
    peer: Peer,
    wanted: Iterable[FetchRequest],
    intake: Intake,
    progress: FetchProgress,
    *,
    by: By | None = None,
    per_minute: float = 60.0,
    stop: threading.Event | None = None,
) -> Iterator[Done]:
    """Fetch what is wanted and was not fetched before; yields what came of each study.

    Args:
        per_minute: how many studies at most, evenly spread.
        stop: where it is set, the study in hand is finished, and no other begins.

    Raises NotReachedError where the peer is not there: the same call continues later.
    """
    stop = stop or threading.Event()
    pace = _Pace(60.0 / per_minute, stop)
    for entry in wanted:
        if stop.is_set():
            return
        if progress.has(peer, entry.kind, entry.value):
            continue
        found = [entry.value] if entry.kind == "study" else _found(config, peer, entry)
        if not found and entry.kind != "day":
            yield Done(place=entry.place, fetched=None, sentence="the peer has no such study")
            continue
        complete = True
        for study in found:
            if entry.kind != "study" and progress.has(peer, "study", study):
                continue
            if not pace.waited():
                return
            done = Done(place=entry.place, fetched=fetch(config, peer, study, intake, by=by))
            if done.ok:
                progress.add(peer, "study", study)
            complete = complete and done.ok
            yield done
        if complete and entry.kind != "study" and not _is_today_or_later(entry):
            progress.add(peer, entry.kind, entry.value)


def _found(config: PacsConfig, peer: Peer, entry: FetchRequest) -> list[str]:
    if entry.kind == "accession":
        return [one.uid for one in peer_search.studies(config, peer, accession=entry.value, films_only=False)]
    if entry.kind == "patient":
        return [one.uid for one in peer_search.studies(config, peer, patient=entry.value)]
    return [one.uid for one in peer_search.studies(config, peer, dates=entry.value)]


def _is_today_or_later(entry: FetchRequest) -> bool:
    """Return True for a day that is not over, which may get more studies."""
    return entry.kind == "day" and entry.value >= f"{datetime.now():%Y%m%d}"


class _Pace:
    """Evenly spread beginnings, at least `apart_s` from one another."""

    def __init__(self, apart_s: float, stop: threading.Event) -> None:
        self._apart_s, self._stop, self._next = apart_s, stop, time.monotonic()

    def waited(self) -> bool:
        """Wait for the next beginning; False where it is not to be."""
        if self._stop.wait(max(0.0, self._next - time.monotonic())):
            return False
        self._next = max(self._next, time.monotonic()) + self._apart_s
        return True


def _digest(peer: Peer, kind: str, value: str) -> str:
    return hashlib.sha256(f"{peer.name}\n{kind}\n{value}".encode()).hexdigest()[:24]


def _is_uid(value: str) -> bool:
    return value.count(".") >= 3 and value.replace(".", "").isdecimal()
