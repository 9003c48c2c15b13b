"""One change of the worklist in one transaction, and the cap on waiting that every change keeps.

One change of the worklist: its rows and its entry in the audit trail, in one transaction.

The cap on waiting: what has waited longer goes before the priorities, whatever its own.

The order is stored (`ordering`), so time has to be brought into it: each page, and each worker all the time, first
moves up the studies that have just become overdue.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Label, Row, case, func, select

from unseen.screening import Decision
from unseen_server.worklist import audit
from unseen_server.worklist.states import BY_PRIORITY, OVERDUE, UNJUDGED, NotFoundError, WorklistError, order_of
from unseen_server.worklist.tables import BY_PRIORITY_ALONE, attachments, films, merged, settings, studies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unseen_server.worklist.opening import Pseudonyms
    from unseen_server.worklist.states import State

_PUBLIC = re.compile(r"[fs]-[0-9a-f]{20}")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # zero, and halves of pairs: no database holds them

Found = Row[Any]  # Any: SQLAlchemy knows a row's columns by name only when it runs


@dataclass
class Writing:
    """A transaction that is alone in changing studies.

    now_us   the time of everything that it writes
    cap_us   how long a study may wait before it goes ahead of the priorities
    entries  of the audit trail; they are added to it at the end of the transaction (`Site.writing`), all together
    """

    connection: Connection
    names: Pseudonyms
    now_us: int
    cap_us: int
    entries: list[audit.Entry] = field(default_factory=list)

    def log(self, actor: str, action: str, subject: str, /, **body: audit.Value) -> None:
        """Add to the audit trail. Nothing of a patient belongs in `body`."""
        self.entries.append(
            audit.Entry(time_us=self.now_us, actor=actor, action=action, subject=subject, body=audit.canonical(body))
        )

    def move(
        self,
        study: Found,
        state: State,
        *,
        actor: str,
        action: str,
        standing: State | None = None,
        columns: dict[str, Any] | None = None,  # Any: values of whatever column
        **body: audit.Value,
    ) -> None:
        """Bring a study into `state`, to its place in the list, and onto record."""
        values = self.placed(study, state, standing=standing or study.standing, columns=columns or {})
        self.connection.execute(studies.update().where(studies.c.id == study.id).values(**values))
        self.log(actor, action, study.public_id, **({"from": study.state, "to": state} | body))

    def placed(
        self,
        study: Found,
        state: State,
        *,
        standing: State,
        columns: Mapping[str, Any],  # Any: values of whatever column
    ) -> dict[str, Any]:
        """The columns of a study that comes into `state`: `columns`, and its place in the list."""
        changed_us = study.changed_us if state == study.state else self.now_us
        order = order_of(
            state,
            standing=standing,
            priority=columns.get("priority", study.priority),
            received_us=columns.get("received_us", study.received_us),
            changed_us=changed_us,
            overdue_before_us=self.now_us - self.cap_us,
        )
        place = {"state": state, "standing": standing, "changed_us": changed_us, **order._asdict()}
        return place | dict(columns)


def find_study(connection: Connection, public_id: str) -> Found:
    """The study that is called so, or that it was joined to.

    Raises NotFoundError.
    """
    known = _PUBLIC.fullmatch(public_id) is not None  # of anything else no database is asked
    study = connection.execute(select(studies).where(studies.c.public_id == public_id)).one_or_none() if known else None
    if known and study is None:
        joined = select(merged.c.study_id).where(merged.c.public_id == public_id).scalar_subquery()
        study = connection.execute(select(studies).where(studies.c.id == joined)).one_or_none()
    if study is None:
        raise NotFoundError(f"There is no study {public_id[:40]!r} here. It may have been erased.")
    return study


def find_film(connection: Connection, public_id: str) -> Found:
    """The film that is called so, or of which that is a copy.

    Raises NotFoundError.
    """
    known = _PUBLIC.fullmatch(public_id) is not None
    film = connection.execute(select(films).where(films.c.public_id == public_id)).one_or_none() if known else None
    if known and film is None:
        copied = select(attachments.c.film_id).where(attachments.c.public_id == public_id).scalar_subquery()
        film = connection.execute(select(films).where(films.c.id == copied)).one_or_none()
    if film is None:
        raise NotFoundError(f"There is no film {public_id[:40]!r} here. It may have been erased.")
    return film


def decision_of(row: Found) -> Decision:
    """The decision that a row holds."""
    return Decision(
        action=row.action,
        score=row.score,
        probability=row.probability,
        p_value=row.p_value,
        priority=row.priority,
        reason=row.reason,
        policy_digest=row.policy_digest,
    )


def checked_text(text: str, what: str, *, most: int) -> str:
    """`text` as it was given, where a database can hold it.

    Raises WorklistError for more than `most` characters, and for characters that are no text.

    >>> checked_text("<b>'; --", "The note", most=100)
    "<b>'; --"
    """
    if len(text) > most:
        raise WorklistError(f"{what} has {len(text)} characters, the limit is {most}. Shorten it.")
    if _NO_TEXT.search(text):
        raise WorklistError(f"{what} holds characters that are no text (zero, or half of a pair). Write it again.")
    return text


def clean(text: str) -> str:
    """`text`, from a file, as a database can hold it.

    >>> clean("PA" + chr(0)) == "PA" + chr(0xFFFD)
    True
    """
    return _NO_TEXT.sub("\ufffd", text)


CAP_S = 24 * 3600.0
"""A day: no film of yesterday waits behind one of today. That a cap is what keeps ordering by priority safe is
Baltruschat 2021; how long it is, is the site's to say."""
_CAP = "waiting_cap_s"


CAP = select(settings.c.value).where(settings.c.name == _CAP).scalar_subquery().label("cap_s")
"""The cap of this store, a column for any query."""


def facts() -> tuple[Label[Any], Label[Any]]:
    """Two columns for any query: the cap, `cap_s`, and `oldest_us`, when the oldest of the studies by priority came."""
    oldest = select(func.min(studies.c.received_us)).where(BY_PRIORITY_ALONE)
    return CAP, oldest.scalar_subquery().label("oldest_us")


def is_due(cap: str, oldest_us: int | None, *, now_us: int) -> bool:
    """Whether a study has become overdue and still stands among the priorities."""
    return oldest_us is not None and oldest_us <= now_us - int(float(cap) * 1e6)


def due(connection: Connection, now_us: int) -> bool:
    """`is_due`, asked by itself."""
    found = connection.execute(select(*facts())).one()
    return is_due(found.cap_s, found.oldest_us, now_us=now_us)


def age(writing: Writing) -> int:
    """Move up what is overdue; returns how many studies. No event: the order follows from the time alone."""
    moved = writing.connection.execute(
        studies.update()
        .where(BY_PRIORITY_ALONE, studies.c.received_us <= writing.now_us - writing.cap_us)
        .values(band=OVERDUE, rank=0.0)
    )
    return moved.rowcount


def set_cap(writing: Writing, seconds: float, *, actor: str) -> None:
    """Change the cap, and put every study where it then stands."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise WorklistError(f"A cap of {seconds} s on waiting makes no sense; it must be above 0.")
    connection = writing.connection
    connection.execute(settings.update().where(settings.c.name == _CAP).values(value=repr(float(seconds))))
    writing.cap_us = int(seconds * 1e6)
    priority: Any = studies.c.priority  # Any: a column that is used as a number
    connection.execute(
        studies.update()
        .where(
            studies.c.shelf == "to_read",
            studies.c.band == OVERDUE,
            studies.c.received_us > writing.now_us - writing.cap_us,
        )
        .values(band=BY_PRIORITY, rank=case((priority.is_(None), UNJUDGED), else_=-priority))
    )
    age(writing)
    writing.log(actor, "setting.changed", _CAP, seconds=float(seconds))
