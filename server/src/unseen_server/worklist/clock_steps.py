"""Steps of the clock: moments that a clock that was ahead has left impossibly far in the future.

Films, results, claims and studies wait until a moment that is kept in the database. After a step back of the clock by
hours they would wait for those hours. No delay in the code is longer than those below, so a later moment was written by
a clock that was ahead.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, bindparam, case, exists, or_, select

from unseen_server.worklist import jobs as queue
from unseen_server.worklist import outbox as sending
from unseen_server.worklist import retry_delay, settle_time
from unseen_server.worklist.site import time_of_statement
from unseen_server.worklist.states import BusyError
from unseen_server.worklist.tables import films, jobs, outbox, studies

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select, Table

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
        if not connection.execute(_any_wrong(), _moments(site, connection, claim_s)).scalar_one():
            return 0
    changed = 0
    with contextlib.suppress(BusyError), site.database.writing() as connection:  # the next tidying will
        moments = _moments(site, connection, claim_s)
        for one in _corrections():
            changed += connection.execute(one.table.update().where(one.wrong).values(**one.values), moments).rowcount
    if changed:
        _log.warning("clock.stepped_back rows=%d", changed)
    return changed


@dataclass(frozen=True, kw_only=True)
class _Correction:
    table: Table
    wrong: ColumnElement[bool]
    values: dict[str, Any]  # Any: numbers and expressions


def _moments(site: Site, connection: Connection, claim_s: float) -> dict[str, int]:
    """Return the parameters of all statements: now, and the ends of a claim and of the longest waiting time from now,
    in microseconds."""
    now_us: int = connection.execute(_now(site.clock_is_databases), site.clock_parameters()).scalar_one()
    settle_s = settle_time.longest_settle_s(connection)
    return {"now_us": now_us, "claim_us": now_us + int(claim_s * 1e6), "settle_us": now_us + int(settle_s * 1e6)}


@functools.cache
def _now(clock_is_databases: bool) -> Select[Any]:  # Any: a number
    return select(time_of_statement(clock_is_databases))


@functools.cache
def _any_wrong() -> Select[Any]:  # Any: one truth value
    return select(or_(*(exists().where(one.wrong) for one in _corrections())))


@functools.cache
def _corrections() -> tuple[_Correction, ...]:
    """Return what corrects moments that are too late (`_moments`); where the clock is right, no row is wrong."""
    now_us, claim_us, settle_us = (bindparam(name, type_=BigInteger) for name in ("now_us", "claim_us", "settle_us"))
    margin_us = int(MARGIN_S * 1e6)

    def beyond(column: ColumnElement[int], longest_s: float) -> ColumnElement[bool]:
        return column > now_us + (int(longest_s * 1e6) + margin_us)

    def due(lease: ColumnElement[str], lease_s: float) -> dict[str, Any]:  # Any: an expression
        return {"due_us": case((lease.is_(None), now_us), else_=now_us + int(lease_s * 1e6))}

    came_later = exists().where(films.c.study_id == studies.c.id, films.c.received_us > now_us + margin_us)
    return (
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
            wrong=studies.c.claimed_until_us > claim_us + margin_us,
            values={"claimed_until_us": claim_us},
        ),
        _Correction(
            table=studies,
            wrong=(studies.c.settles_us > settle_us + margin_us) & came_later,
            values={"settles_us": settle_us},
        ),
    )
