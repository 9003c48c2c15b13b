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
    """Queue of films to be scored: `store.jobs`."""

    site: Site

    def queue(self) -> Queue:
        """Return the numbers of films that wait, are done and could not be scored, and how old the oldest waiting one
        is.
        """
        with self.site.database.reading() as connection:
            return queue_state.queue(connection, now_us=self.site.now_us())

    def failed(self, *, most: int = 50) -> list[Failed]:
        """The films that no worker could score, and those that are tried again; the latest `most`."""
        with self.site.database.reading() as connection:
            return queue_state.failed(connection, most=most)

    def requeue(self, study: str, *, actor: str) -> int:
        """Have the films of a study scored that could not be; returns how many."""
        with self.site.writing() as writing:
            return rescoring.requeue(writing, study, actor=actor)

    def requeue_several(self, studies: Sequence[str], *, actor: str) -> OnSeveral:
        """Have those films of the studies scored again that could not be."""
        with self.site.writing() as writing:
            return several.requeue(writing, studies, actor=actor)
