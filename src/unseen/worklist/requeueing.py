"""Films that could not be scored are tried again: after a repair, or with another model."""

from __future__ import annotations

from sqlalchemy import func, select

from unseen.worklist import jobs
from unseen.worklist.errors import NotAllowedError
from unseen.worklist.states import State, after
from unseen.worklist.tables import decisions, films, findings
from unseen.worklist.writing import Writing, find_study


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
    jobs.reopen(writing.connection, numbers, now_us=writing.now_us)
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
