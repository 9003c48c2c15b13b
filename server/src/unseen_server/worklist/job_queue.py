"""`JobQueue`: films that wait for a worker, and films that no worker could score.

Table: jobs. Workers claim films by `jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import func, select

from unseen_server.worklist import rescoring, several
from unseen_server.worklist.tables import films, jobs, studies

if TYPE_CHECKING:
    from unseen_server.worklist.several import OnSeveral
    from unseen_server.worklist.site import Site


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Numbers of films in the queue.

    Args:
        waiting: films that wait, claimed ones included.
        running: films that are with a worker.
        done: films that are scored.
        dead: films that could not be scored.
        oldest_s: for how many seconds the oldest has waited, since it came or was put back; None: none waits.

    >>> Queue(waiting=0, running=0, done=5, dead=0, oldest_s=None).done
    5
    """

    waiting: int
    running: int
    done: int
    dead: int
    oldest_s: float | None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A film that failed: given up after `MOST_TRIES`, or to be tried again."""

    film: str
    study: str
    source: str
    tries: int
    given_up: Annotated[bool, Field(description="false: it is tried again")]
    reason: str


class JobQueue:
    """Queue of films to be scored: `store.jobs`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     _ = store.films.receive(b"the bytes of a file", name="1.png")
    ...     store.jobs.counts().waiting
    1
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def counts(self) -> Queue:
        """Return the numbers of films that wait, are done and could not be scored, and how old the oldest waiting one
        is.
        """
        with self._site.database.reading() as connection:
            now_us = self._site.now_us()
            by_state = select(jobs.c.state, func.count().label("films")).group_by(jobs.c.state)
            counts: dict[str, int] = {row.state: row.films for row in connection.execute(by_state)}
            oldest = connection.execute(
                select(func.min(func.coalesce(jobs.c.again_us, films.c.received_us)))
                .select_from(films.join(jobs))
                .where(jobs.c.state == "open")
            ).scalar_one()
            with_worker = select(func.count()).where(
                jobs.c.state == "open", jobs.c.lease.is_not(None), jobs.c.due_us > now_us
            )
            return Queue(
                waiting=counts.get("open", 0),
                running=connection.execute(with_worker).scalar_one(),
                done=counts.get("done", 0),
                dead=counts.get("dead", 0),
                oldest_s=None if oldest is None else (now_us - oldest) / 1e6,
            )

    def failed(self, *, most: int = 50) -> list[Failed]:
        """Return the films that no worker could score, then those that are tried again, the latest first; `most`."""
        with self._site.database.reading() as connection:
            rows = connection.execute(
                select(
                    jobs.c.state,
                    jobs.c.tries,
                    jobs.c.reason,
                    films.c.public_id,
                    films.c.source,
                    studies.c.public_id.label("of"),
                )
                .select_from(jobs.join(films).join(studies))
                .where(jobs.c.state.in_(("dead", "open")), jobs.c.reason != "")
                .order_by(jobs.c.state, films.c.id.desc())
                .limit(most)
            )
            return [
                Failed(
                    film=row.public_id,
                    study=row.of,
                    source=row.source,
                    tries=row.tries,
                    given_up=row.state == "dead",
                    reason=row.reason,
                )
                for row in rows
            ]

    def requeue(self, study: str, *, actor: str) -> int:
        """Have the films of a study scored that could not be; returns how many."""
        with self._site.writing() as writing:
            return rescoring.requeue(writing, study, actor=actor)

    def requeue_several(self, studies: Sequence[str], *, actor: str) -> OnSeveral:
        """Have those films of the studies scored again that could not be."""
        with self._site.writing() as writing:
            return several.requeue(writing, studies, actor=actor)
