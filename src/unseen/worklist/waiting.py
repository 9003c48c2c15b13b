"""The cap on waiting: what has waited longer goes before the priorities, whatever its own.

The order is stored (`ordering`), so time has to be brought into it: each page, and each worker all the time, first
moves up the studies that have just become overdue.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import Connection, Label, case, func, select

from unseen.worklist.errors import WorklistError
from unseen.worklist.ordering import BY_PRIORITY, OVERDUE, UNJUDGED
from unseen.worklist.tables import BY_PRIORITY_ALONE, settings, studies
from unseen.worklist.writing import Writing

CAP_S = 24 * 3600.0
"""A day: no film of yesterday waits behind one of today. That a cap is what keeps ordering by priority safe is
Baltruschat 2021; how long it is, is the site's to say."""
_CAP = "waiting_cap_s"


def cap_s(connection: Connection) -> float:
    """The cap of this store."""
    return float(connection.execute(select(settings.c.value).where(settings.c.name == _CAP)).scalar_one())


def facts() -> tuple[Label[Any], Label[Any]]:
    """Two columns for any query: the cap, `cap_s`, and `oldest_us`, when the oldest of the studies by priority came."""
    cap = select(settings.c.value).where(settings.c.name == _CAP)
    oldest = select(func.min(studies.c.received_us)).where(BY_PRIORITY_ALONE)
    return cap.scalar_subquery().label("cap_s"), oldest.scalar_subquery().label("oldest_us")


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
