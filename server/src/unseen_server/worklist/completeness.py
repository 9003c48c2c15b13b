"""Completeness of a study: no film of it arrived for a while, or its sender has closed it.

Before that, nothing is cleared and no result is sent. A study that has a film to be read is listed at once, because a
film that is still to come cannot change that.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from unseen_server.worklist import clearing, outbox
from unseen_server.worklist.partial_indexes import SETTLING_ALONE
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import State, after
from unseen_server.worklist.tables import decisions, films, studies
from unseen_server.worklist.transactions import Found, Writing

_AT_ONCE = 200  # studies of a transaction
_FIRST = select(func.min(studies.c.settles_us)).where(SETTLING_ALONE)


def wait(writing: Writing, study: Found, *, since_us: int, seconds: float) -> Found:
    """Record that a film of the study came at `since_us`: the study is complete `seconds` later, or later still."""
    until_us = settles_us(study, since_us=since_us, seconds=seconds, now_us=writing.now_us)
    if until_us == study.settles_us:
        return study
    update_row(writing.connection, studies, study.id, {"settles_us": until_us})
    return rows_of(writing.connection, studies, id=study.id).one()


def settles_us(study: Found, *, since_us: int, seconds: float, now_us: int) -> int | None:
    """Return until when further films of the study are awaited, since one came at `since_us`; None: it is complete."""
    until_us = since_us + int(seconds * 1e6)
    return until_us if until_us > max(now_us, study.settles_us or 0) else study.settles_us


def is_complete(study: Found, *, now_us: int) -> bool:
    """Return True if no further film of the study is waited for."""
    return study.settles_us is None or study.settles_us <= now_us


def close(writing: Writing, uid: str, *, source: str, actor: str) -> bool:
    """Close a study that its sender reports complete; False where nothing of it is waited for.

    Args:
        uid: StudyInstanceUID.
    """
    study = writing.connection.execute(
        select(studies).where(studies.c.uid == writing.names.of("study", uid))
    ).one_or_none()
    if study is None or study.settles_us is None:
        return False
    writing.log(actor, "study.closed", study.public_id, source=source)
    _settled(writing, study)
    return True


def due(connection: Connection, *, now_us: int) -> bool:
    """Return True if a study has become complete since `settle` was called."""
    first = connection.execute(_FIRST).scalar_one()
    return first is not None and first <= now_us


def settle(writing: Writing) -> int:
    """Decide on the studies that have become complete; returns how many."""
    found = writing.connection.execute(
        select(studies)
        .where(SETTLING_ALONE, studies.c.settles_us <= writing.now_us)
        .order_by(studies.c.settles_us)
        .limit(_AT_ONCE)
    ).all()
    for study in found:
        _settled(writing, study)
    return len(found)


def _settled(writing: Writing, study: Found) -> None:
    """Finish a complete study: clear it where that was decided and still holds, and let its result be sent."""
    connection = writing.connection
    update_row(connection, studies, study.id, {"settles_us": None})
    unjudged = connection.execute(
        select(func.count()).select_from(films).where(films.c.study_id == study.id, films.c.judged.is_(False))
    ).scalar_one()
    if unjudged:
        return  # it is decided on when they are judged
    last = connection.execute(
        select(decisions)
        .where(decisions.c.study_id == study.id, decisions.c.film_id.is_(None))
        .order_by(decisions.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return
    if last.action == "clear" and study.standing == "scored":
        why = clearing.stopped(connection, last.policy_digest)
        standing: State = "to_read" if why else "cleared"
        instead = {"action": "read", "reason": f"clearing is stopped: {why}"} if why else {}
        state = after(study.state, "judge", standing=standing)
        writing.move(
            study, state, actor="unseen", action="study.settled", standing=standing, columns=dict[str, object](instead)
        )
        if why:
            before = {column.name: getattr(last, column.name) for column in decisions.c if column.name != "id"}
            entered = decisions.insert().values(before | instead | {"made_us": writing.now_us})
            last = connection.execute(entered.returning(*decisions.c)).one()
    outbox.enter(writing, study, last)
