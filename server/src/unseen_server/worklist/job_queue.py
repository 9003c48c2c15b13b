"""`JobQueue`: films that wait for a worker, and films that no worker could score.

Table: jobs. Workers claim films by `jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unseen_server.worklist import queue_state, rescoring, several

if TYPE_CHECKING:
    from unseen_server.worklist.queue_state import Failed, Queue
    from unseen_server.worklist.several import OnSeveral
    from unseen_server.worklist.site import Site


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
            return queue_state.queue(connection, now_us=self._site.now_us())

    def failed(self, *, most: int = 50) -> list[Failed]:
        """Return the films that no worker could score, and those that are tried again; the latest `most`."""
        with self._site.database.reading() as connection:
            return queue_state.failed(connection, most=most)

    def requeue(self, study: str, *, actor: str) -> int:
        """Have the films of a study scored that could not be; returns how many."""
        with self._site.writing() as writing:
            return rescoring.requeue(writing, study, actor=actor)

    def requeue_several(self, studies: Sequence[str], *, actor: str) -> OnSeveral:
        """Have those films of the studies scored again that could not be."""
        with self._site.writing() as writing:
            return several.requeue(writing, studies, actor=actor)
