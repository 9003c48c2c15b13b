"""Cap on waiting: overdue studies are listed before all priorities.

The order is stored (`reading_order.order_of`). Each page, and each worker regularly, first moves up the studies that
have become overdue.
"""

from __future__ import annotations

import functools
from typing import Any

from sqlalchemy import Connection, Label, Select, case, func, select

from unseen_server.worklist.reading_order import BY_PRIORITY, OVERDUE, UNJUDGED
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.tables import BY_PRIORITY_ALONE, settings, studies
from unseen_server.worklist.transactions import Writing

CAP_S = 24 * 3600.0
"""Default, in seconds: one day, so that no study of yesterday waits behind one of today. Each site sets its own value.
A cap bounds the waiting time that ordering by priority adds to other studies (Baltruschat 2021)."""
MOST_CAP_S = 3.2e7
"""Longest cap: a year."""
_CAP = "waiting_cap_s"

CAP = select(settings.c.value).where(settings.c.name == _CAP).scalar_subquery().label("cap_s")
"""Column with the cap of this store, for any query."""


@functools.cache
def facts() -> tuple[Label[Any], Label[Any]]:
    """Return two columns for any query: the cap `cap_s`, and `oldest_us`, when the oldest study by priority arrived."""
    oldest = select(func.min(studies.c.received_us)).where(BY_PRIORITY_ALONE)
    return CAP, oldest.scalar_subquery().label("oldest_us")


@functools.cache
def _facts() -> Select[Any]:
    return select(*facts())


def is_due(cap: str, oldest_us: int | None, *, now_us: int) -> bool:
    """Return True if a study has become overdue and is still ordered by priority."""
    return oldest_us is not None and oldest_us <= now_us - int(float(cap) * 1e6)


def due(connection: Connection, now_us: int) -> bool:
    """Return True if a study has become overdue and was not moved up yet."""
    found = connection.execute(_facts()).one()
    return is_due(found.cap_s, found.oldest_us, now_us=now_us)


def age(writing: Writing) -> int:
    """Move overdue studies up and return their number. No audit entry: the order follows from the time alone."""
    moved = writing.connection.execute(
        studies.update()
        .where(BY_PRIORITY_ALONE, studies.c.received_us <= writing.now_us - writing.cap_us)
        .values(band=OVERDUE, rank=0.0)
    )
    return moved.rowcount


def set_cap(writing: Writing, seconds: float, *, actor: str) -> None:
    """Change the cap, and reorder all waiting studies.

    Raises WorklistError unless the cap is above 0 and at most `MOST_CAP_S`.
    """
    if not 0 < seconds <= MOST_CAP_S:
        raise WorklistError(
            f"A cap of {seconds:g} s on waiting makes no sense; it must be above 0, and at most {MOST_CAP_S:,.0f} s."
        )
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
