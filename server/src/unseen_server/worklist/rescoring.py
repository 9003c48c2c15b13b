"""Rescoring: put films back into the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from unseen_server.worklist.arrivals import announce
from unseen_server.worklist.lookup import find_study
from unseen_server.worklist.states import NotAllowedError, State, after
from unseen_server.worklist.tables import decisions, films, findings, jobs
from unseen_server.worklist.transactions import Writing

if TYPE_CHECKING:
    from sqlalchemy import Connection


def reopen(connection: Connection, numbers: list[int], *, now_us: int) -> None:
    """Queue the films to be scored again, at once."""
    connection.execute(
        jobs.update()
        .where(jobs.c.film_id.in_(numbers))
        .values(state="open", lease=None, tries=0, due_us=now_us, reason="", again_us=now_us)
    )
    announce(connection)


def requeue(writing: Writing, study_id: str, *, actor: str) -> int:
    """Put a study's unscored films back into the queue; returns how many.

    Raises NotAllowedError where all were scored.
    """
    study = find_study(writing.connection, study_id)
    latest = (
        select(func.max(decisions.c.id))
        .where(decisions.c.study_id == study.id, decisions.c.film_id.is_not(None))
        .group_by(decisions.c.film_id)
    )
    refused = select(decisions.c.film_id).where(decisions.c.id.in_(latest), decisions.c.action == "not_scored")
    numbers = list(
        writing.connection.execute(
            select(films.c.id).where(films.c.study_id == study.id, films.c.judged, films.c.id.in_(refused))
        ).scalars()
    )
    if not numbers:
        raise NotAllowedError("Every film of this study was scored, or is about to be.")
    # also those of models that were only compared: one of them may decide by now
    writing.connection.execute(findings.delete().where(findings.c.film_id.in_(numbers)))
    writing.connection.execute(films.update().where(films.c.id.in_(numbers)).values(judged=False))
    reopen(writing.connection, numbers, now_us=writing.now_us)
    standing: State = "received"
    writing.move(
        study,
        after(study.state, "judge", standing=standing),
        standing=standing,
        actor=actor,
        action="study.requeued",
        films=len(numbers),
    )
    return len(numbers)
