"""Steps of the clock: moments that a clock that was ahead has left impossibly far in the future.

Films, results, claims and studies wait until a moment that is kept in the database. After a step back of the clock by
hours they would wait for those hours. No delay in the code is longer than those below, so a later moment was written by
a clock that was ahead.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, exists, select

from unseen_server.worklist import jobs as queue
from unseen_server.worklist import outbox as sending
from unseen_server.worklist import retry_delay, settle_time
from unseen_server.worklist.states import BusyError
from unseen_server.worklist.tables import films, jobs, outbox, studies

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

    from unseen_server.worklist.site import Site

_log = logging.getLogger("unseen")

MARGIN_S: Final = 60.0
"""Seconds that a moment may lie beyond the longest delay: clocks of a site's machines differ."""


def correct(site: Site, *, claim_s: float) -> int:
    """Bring moments that lie impossibly far in the future back to now.

    What is held by somebody (a film by a worker, a result by a sender, a study by a reader) stays held for the length
    of one lease or claim from now; all else is due at once. A study whose films came in the future waits for further
    films for the site's longest waiting time from now.

    Args:
        site: The worklist's database and clock.
        claim_s: Seconds for which a reader's claim holds.

    Returns:
        Number of rows that were changed.
    """
    with site.database.reading() as connection:
        corrections = _corrections(connection, _now_us(site, connection), claim_s)
        if not any(connection.execute(select(exists().where(one.wrong))).scalar_one() for one in corrections):
            return 0
    changed = 0
    with contextlib.suppress(BusyError), site.database.writing() as connection:  # the next tidying will
        for one in _corrections(connection, _now_us(site, connection), claim_s):
            changed += connection.execute(one.table.update().where(one.wrong).values(**one.values)).rowcount
    if changed:
        _log.warning("clock.stepped_back rows=%d", changed)
    return changed


@dataclass(frozen=True, kw_only=True)
class _Correction:
    table: Table
    wrong: ColumnElement[bool]
    values: dict[str, Any]  # Any: numbers and expressions


def _now_us(site: Site, connection: Connection) -> int:
    return int(connection.execute(select(site.lease_clock())).scalar_one())


def _corrections(connection: Connection, now_us: int, claim_s: float) -> list[_Correction]:
    """Return what corrects moments that are too late at `now_us`; where the clock is right, no row is wrong."""

    def after(seconds: float) -> int:
        return now_us + int(seconds * 1e6)

    def beyond(column: ColumnElement[int], longest_s: float) -> ColumnElement[bool]:
        return column > after(longest_s + MARGIN_S)

    def due(lease: ColumnElement[str], lease_s: float) -> dict[str, Any]:  # Any: an expression
        return {"due_us": case((lease.is_(None), now_us), else_=after(lease_s))}

    settle_s = settle_time.longest_settle_s(connection)
    came_later = exists().where(films.c.study_id == studies.c.id, films.c.received_us > after(MARGIN_S))
    return [
        _Correction(
            table=jobs,
            wrong=(jobs.c.state == "open") & beyond(jobs.c.due_us, retry_delay.LONGEST_WAIT_S),
            values=due(jobs.c.lease, queue.LEASE_S),
        ),
        _Correction(
            table=outbox,
            wrong=outbox.c.state.in_(("waiting", "sent")) & beyond(outbox.c.due_us, sending.LONGEST_WAIT_S),
            values=due(outbox.c.lease, sending.LEASE_S),
        ),
        _Correction(
            table=studies,
            wrong=beyond(studies.c.claimed_until_us, claim_s),
            values={"claimed_until_us": after(claim_s)},
        ),
        _Correction(
            table=studies,
            wrong=beyond(studies.c.settles_us, settle_s) & came_later,
            values={"settles_us": after(settle_s)},
        ),
    ]
