"""Queue of films to be scored: claim films, return them, close them.

A claim is a lease, by the database's clock. The worker extends it. If the worker is killed, the lease ends, and another
worker can claim the film. A film that fails is tried again later, each time after a longer delay. After `MOST_TRIES`
the film moves to the top of the list, not scored, with the reason. A worker may claim several films at once. A film
that was tried before is claimed alone, so that a film that kills its workers costs no other film a second try.
"""

from __future__ import annotations

import functools
import secrets
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, bindparam, func, select

from unseen_server.worklist.decoding_slots import MOST_OF_A_SENDER
from unseen_server.worklist.retry_delay import wait_s
from unseen_server.worklist.site import time_of_statement
from unseen_server.worklist.statements import among_parameter, rows_among
from unseen_server.worklist.tables import films, jobs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import ColumnElement, Connection, Select, Update

    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Found


MOST_TRIES = 5
LEASE_S = 60.0
"""Length of a lease in seconds.

It is longer than any film takes (the decoder gives up after 10 s). It is short enough that another worker soon gets the
film of a killed worker.
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Film that a worker has claimed.

    Attributes:
        number: number of the film in the database.
        film: public name of the film.
        sha256: digest of its file.
        source: its source.
        lease: proof of the claim.
        tries: number of claims of the film, including this one.
    """

    number: int
    film: str
    sha256: str
    source: str
    lease: str
    tries: int


def claim(site: Site, *, lease_s: float = LEASE_S) -> Job | None:
    """Claim the film that has been due longest; None if none is due. Two workers never get the same film."""
    claimed = claim_several(site, most=1, lease_s=lease_s)
    return claimed[0] if claimed else None


def claim_several(site: Site, *, most: int, lease_s: float = LEASE_S) -> list[Job]:
    """Claim the films that have been due longest, at most `most`. The call does not wait for further films."""
    lease = secrets.token_hex(8)
    claiming = _claiming(site.database.is_sqlite, site.clock_is_databases)
    now = site.clock_parameters()
    if site.database.is_sqlite:  # an empty queue is polled often; this needs no lock
        with site.database.reading() as connection:
            if connection.execute(claiming.first, now).first() is None:
                return []
    with _writing(site) as connection:
        found = _due_of_free_senders(connection, claiming, now, most)
        if not found:
            return []
        fresh = list(takewhile(lambda one: one.tries == 0, found))
        tries = {one.film_id: one.tries + 1 for one in fresh or found[:1]}
        given = {"claimed": list(tries), "new_lease": lease, "lease_us": int(lease_s * 1e6)}
        connection.execute(claiming.claim, now | given)
        rows = {row.id: row for row in rows_among(connection, films.c.id, tries)}
    return [
        Job(
            number=number,
            film=rows[number].public_id,
            sha256=rows[number].sha256,
            source=rows[number].source,
            lease=lease,
            tries=tried,
        )
        for number, tried in tries.items()
    ]


@dataclass(frozen=True, kw_only=True)
class _Claiming:
    """Statements of a claim, with the parameter `now_us` unless the time is the database's.

    Args:
        due: film_id and tries of the films that are due, longest first.
        first: one row of `due`.
        most: the first rows of `due`, at most `most`, which are locked.
        busy: senders whose films are held by two workers.
        claim: gives the films `claimed` the lease `new_lease` for `lease_us` microseconds.
    """

    due: Select[Any]  # Any: film_id, tries
    first: Select[Any]
    most: Select[Any]
    busy: Select[Any]
    claim: Update


@functools.cache
def _claiming(sqlite: bool, clock_is_databases: bool) -> _Claiming:
    now_us = time_of_statement(clock_is_databases)
    due = (
        select(jobs.c.film_id, jobs.c.tries)
        .where(jobs.c.state == "open", jobs.c.due_us <= now_us)
        .order_by(jobs.c.due_us, jobs.c.film_id)
    )
    return _Claiming(
        due=due,
        first=due.limit(1),
        most=due.limit(bindparam("most", type_=Integer)).with_for_update(skip_locked=True),
        busy=select(films.c.source)
        .join(jobs, jobs.c.film_id == films.c.id)
        .where(jobs.c.state == "open", jobs.c.lease.is_not(None), jobs.c.due_us > now_us)
        .group_by(films.c.source)
        .having(func.count(jobs.c.lease.distinct()) >= MOST_OF_A_SENDER),
        claim=jobs.update()
        .where(among_parameter(sqlite, jobs.c.film_id, "claimed"))
        .values(
            lease=bindparam("new_lease"),
            tries=jobs.c.tries + 1,
            due_us=now_us + bindparam("lease_us", type_=BigInteger),
        ),
    )


def _due_of_free_senders(
    connection: Connection, claiming: _Claiming, now: Mapping[str, int], most: int
) -> Sequence[Found]:
    """Return the films to be claimed.

    Films of senders whose films are held by fewer than two workers come first. So no sender keeps all workers from the
    films of others.
    """
    busy = list(connection.execute(claiming.busy, now).scalars())
    if busy:
        others = jobs.c.film_id.in_(select(films.c.id).where(films.c.source.not_in(busy)))
        of_others = claiming.due.where(others).limit(most).with_for_update(skip_locked=True)
        if found := connection.execute(of_others, now).all():
            return found
    return connection.execute(claiming.most, {**now, "most": most}).all()


def lengthen(site: Site, *held: Job, lease_s: float = LEASE_S) -> bool:
    """Extend the claims of the films by `lease_s` from now. Return False if every claim was lost."""
    with _writing(site) as connection:
        in_order = select(jobs.c.film_id).where(_is_held(site.database.is_sqlite)).order_by(jobs.c.film_id)
        # the order in which results are entered: no deadlock
        connection.execute(in_order.with_for_update(), _parameters(held))
        return bool(_due_in(site, connection, held, lease_s))


def later(site: Site, job: Job, reason: str) -> None:
    """Return a failed film to the queue; it is tried again after a delay."""
    with _writing(site) as connection:
        _due_in(site, connection, [job], wait_s(job.number, job.tries), lease=None, reason=reason)


def give_back(site: Site, *held: Job) -> None:
    """Return films to the queue at once, as if they had not been claimed."""
    with _writing(site) as connection:
        _due_in(site, connection, held, 0, lease=None, tries=jobs.c.tries - 1)


def postpone(site: Site, job: Job, *, wait_s: float) -> None:
    """Return a film to the queue for `wait_s`, as if it had not been claimed.

    It is used while two films of the same sender are being decoded.
    """
    with _writing(site) as connection:
        _due_in(site, connection, [job], wait_s, lease=None, tries=jobs.c.tries - 1)


def _writing(site: Site) -> AbstractContextManager[Connection]:
    """Open a transaction that changes leases. If a power cut undoes a change, the entry of the result detects it."""
    return site.database.writing(alone=False, durable=False)


def _due_in(site: Site, connection: Connection, held: Sequence[Job], delay_s: float, **values: Any) -> int:
    """Change the jobs that the worker still holds: they are due in `delay_s`. Return their number."""
    due_us = time_of_statement(site.clock_is_databases) + int(delay_s * 1e6)
    change = jobs.update().where(_is_held(site.database.is_sqlite)).values(due_us=due_us, **values)
    return connection.execute(change, _parameters(held) | site.clock_parameters()).rowcount


def _is_held(sqlite: bool) -> ColumnElement[bool]:
    """Return the condition for jobs that the worker still holds: a claim by another worker has another lease."""
    is_theirs = among_parameter(sqlite, jobs.c.film_id, "numbers") & among_parameter(sqlite, jobs.c.lease, "leases")
    return is_theirs & (jobs.c.state == "open")


def _parameters(held: Sequence[Job]) -> dict[str, Any]:
    """Return the parameters of `_is_held`."""
    return {"numbers": [job.number for job in held], "leases": sorted({job.lease for job in held})}


def held_films(connection: Connection, held: Sequence[Job]) -> dict[int, Found]:
    """Return the rows, by number, of the films that the worker still holds and that were not erased.

    The rows are locked until the transaction ends. SQLite may have assigned the number of an erased film to another
    film.
    """
    digests = {job.number: job.sha256 for job in held}
    rows = connection.execute(_films_held(connection.dialect.name == "sqlite"), _parameters(held))
    return {row.id: row for row in rows if row.sha256 == digests[row.id]}


def close(connection: Connection, numbers: Collection[int], *, state: str, reason: str = "") -> None:
    """Close films that need no worker any more; `state` is `done` or `dead`."""
    given = {"numbers": list(numbers), "new_state": state, "why": reason}
    connection.execute(_closing(connection.dialect.name == "sqlite"), given)


@functools.cache
def _films_held(sqlite: bool) -> Select[Any]:
    """Return the statement of `held_films`."""
    of_them = select(films).join(jobs, jobs.c.film_id == films.c.id).where(_is_held(sqlite))
    return of_them.order_by(films.c.id).with_for_update(of=jobs)


@functools.cache
def _closing(sqlite: bool) -> Update:
    theirs = among_parameter(sqlite, jobs.c.film_id, "numbers")
    return jobs.update().where(theirs).values(state=bindparam("new_state"), lease=None, reason=bindparam("why"))
