"""Hash chain of the audit trail: appended rows, their hashes, and the walk to the first break.

hash = SHA-256 of the canonical JSON of [seq, time_us, actor, action, subject, body, previous]. Triggers refuse UPDATE
and DELETE; whoever removes the triggers and edits a row breaks the chain there, and whoever cuts off its end is found
out by a head kept elsewhere. A body holds no patient data, so that erasing a patient leaves the chain whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from unseen_server.worklist.bulk import insert_rows
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.tables import audit

GENESIS = "0" * 64
"""Hash in the first row, in place of a previous one."""

_COLUMNS = ("seq", "time_us", "actor", "action", "subject", "body", "previous")
_CHUNK = 5_000
_DIGITS = 19  # of the largest number of a row

_LAST = select(audit.c.seq, audit.c.hash, audit.c.time_us).order_by(audit.c.seq.desc()).limit(1)
_ABOUT = select(audit).where(audit.c.subject.in_(bindparam("subjects", expanding=True))).order_by(audit.c.seq)

Value = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class AuditHead:
    """Head of the audit trail; written down elsewhere, it proves later that nothing before it was changed or removed.

    Args:
        seq: number of the last row.
        hash: of the last row, which depends on every row before it.

    >>> AuditHead(seq=0, hash="").seq
    0
    """

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"

    @classmethod
    def parse(cls, written: str) -> AuditHead:
        """Return the head that `str` wrote.

        >>> AuditHead.parse("0 " + GENESIS) == AuditHead(seq=0, hash=GENESIS)
        True
        """
        seq, _, digest = written.strip().partition(" ")
        if not (seq.isascii() and seq.isdigit() and len(seq) <= _DIGITS and len(digest) == len(GENESIS)):
            raise WorklistError(f"{written.strip()[:80]!r} is no head. It is a number and 64 hexadecimal digits.")
        return cls(seq=int(seq), hash=digest)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of the audit trail.

    Args:
        seq: its number, from 1.
        time: when, UTC.
        actor: who: an account, a worker, or "unseen".
        action: what, such as "account.added".
        subject: whom or what it is about, such as a study's name.
        body: further facts.

    >>> from datetime import UTC
    >>> when = datetime(2026, 1, 1, tzinfo=UTC)
    >>> Event(seq=1, time=when, actor="unseen", action="film.scored", subject="study-1", body={}).seq
    1
    """

    seq: int
    time: datetime
    actor: str
    action: str
    subject: str
    body: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """A row that is to be added; `time_us` in microseconds since 1970, `body` as `canonical` JSON."""

    time_us: int
    actor: str
    action: str
    subject: str
    body: str


def canonical(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, as written otherwise.

    >>> canonical({"b": 1, "a": "ä"})
    '{"a":"ä","b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def append(connection: Connection, entries: Sequence[AuditEntry], *, in_time: bool = False) -> AuditHead:
    """Add rows, each with the hash of the one before, in one statement; returns where the trail then ends.

    The transaction must be alone at the end of the trail until it ends (`Database.writing`, `Database.end_of_trail`).

    Args:
        in_time: an entry is of the time of the trail's last row at least: transactions side by side may end in another
            order than they began.
    """
    last = connection.execute(_LAST).one_or_none()
    seq, previous, since_us = (0, GENESIS, 0) if last is None else (last.seq, last.hash, last.time_us if in_time else 0)
    rows: list[dict[str, Value]] = []
    for entry in entries:
        seq += 1
        row: dict[str, Value] = {
            "seq": seq,
            "time_us": max(entry.time_us, since_us),
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "body": entry.body,
            "previous": previous,
        }
        previous = _hash(tuple(row.values()))
        rows.append(row | {"hash": previous})
    insert_rows(connection, audit, rows)
    return AuditHead(seq=seq, hash=previous)


def head(connection: Connection) -> AuditHead:
    """Return the last row's number and hash; of an empty trail 0 and `GENESIS`."""
    last = connection.execute(_LAST).one_or_none()
    return AuditHead(seq=0, hash=GENESIS) if last is None else AuditHead(seq=last.seq, hash=last.hash)


def first_break(connection: Connection, heads: Mapping[str, AuditHead]) -> str | None:
    """Return a sentence on the first break of the chain; None where every row follows and every head is in the chain.

    Args:
        heads: by where they were kept, such as the file beside the store.
    """
    known = sorted((found.seq, found.hash, where) for where, found in heads.items() if found.seq)
    seq, previous = 0, GENESIS
    for row in _rows(connection):
        if row.seq <= seq:
            return f"Row {row.seq} of the audit trail was inserted: the trail begins with row 1."
        if row.seq != seq + 1:
            return f"Row {seq + 1} of the audit trail is missing: row {seq} is followed by row {row.seq}."
        if row.previous != previous:
            return f"Row {row.seq} of the audit trail does not follow from row {seq}: one of the two was replaced."
        if not _is_own_hash(row):
            return f"Row {row.seq} of the audit trail was changed after it was written."
        seq, previous = row.seq, row.hash
        while known and known[0][0] == seq:
            _, digest, where = known.pop(0)
            if digest != previous:
                return f"Row {seq} of the audit trail is not the one that {where} knows: the trail was rewritten."
    for missing, _, where in known:
        return f"The audit trail ends at row {seq}, but {where} knows row {missing}: the rows after {seq} are gone."
    return None


def history(connection: Connection, subjects: list[str]) -> list[Event]:
    """Return the rows on `subjects`, oldest first."""
    rows = connection.execute(_ABOUT, {"subjects": subjects})
    return [event_of(row) for row in rows]


def after(connection: Connection, seq: int, *, most: int) -> list[Event]:
    """Return the rows after this number, oldest first."""
    rows = connection.execute(select(audit).where(audit.c.seq > seq).order_by(audit.c.seq).limit(most))
    return [event_of(row) for row in rows]


def event_of(row: Row[Any]) -> Event:  # Any: SQLAlchemy knows a row's columns by name only when it runs
    """Return the event that a row holds."""
    return Event(
        seq=row.seq,
        time=datetime.fromtimestamp(row.time_us / 1e6, UTC),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        body=json.loads(row.body),
    )


def _rows(connection: Connection) -> Iterator[Row[tuple[object, ...]]]:
    """Yield all rows in order, some thousand at a time."""
    columns = [audit.c[name] for name in (*_COLUMNS, "hash")]
    first = select(*columns).order_by(audit.c.seq).limit(_CHUNK)
    rows = connection.execute(first).all()
    while rows:
        yield from rows
        rows = connection.execute(first.where(audit.c.seq > rows[-1].seq)).all()


def _is_own_hash(row: Row[Any]) -> bool:  # Any: as in `event_of`
    """Return True if a row's hash is that of its values; False also for values that the server never writes."""
    try:
        return bool(row.hash == _hash(tuple(row[: len(_COLUMNS)])))
    except (TypeError, ValueError):  # bytes, or a number that is not finite: not JSON
        return False


def _hash(values: tuple[object, ...]) -> str:
    return hashlib.sha256(canonical(list(values)).encode(errors="surrogatepass")).hexdigest()
