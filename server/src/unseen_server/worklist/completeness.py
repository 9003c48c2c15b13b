"""When a study is complete: no film of it came for a while, or its sender has closed it.

Nothing is cleared and no result is sent before. A study that has a film to be read is
listed at once, for a film that is still to come cannot change that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, func, select

from unseen_server.worklist import clearing, outbox
from unseen_server.worklist.partial_indexes import SETTLING_ALONE
from unseen_server.worklist.states import State, WorklistError, after
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import decisions, films, settings, studies
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTLE_S: Final = 60.0
"""For how long no film of a study must have come. mercure waits 60 s for a series, 900 s for a study; a chest study is
two films of one device, made within a minute."""
SETTLE: Final = "settle_s"
SETTLE_OF: Final = "settle_s of "
"""Names of the settings; the second with the source behind it."""
_AT_ONCE = 200  # studies of a transaction


def settle_s(connection: Connection, source: str) -> float:
    """For how long no film of a study from `source` must have come."""
    query = select(settings).where(settings.c.name.in_((SETTLE, SETTLE_OF + source)))
    found = {row.name: str(row.value) for row in connection.execute(query)}
    return float(found.get(SETTLE_OF + source, found.get(SETTLE, SETTLE_S)))


def longest_settle_s(connection: Connection) -> float:
    """Return the longest time for which no film of a study must have come: of any source, or the default."""
    query = select(settings.c.value).where((settings.c.name == SETTLE) | settings.c.name.startswith(SETTLE_OF))
    return max([SETTLE_S, *(float(value) for value in connection.execute(query).scalars())])


def set_settle_s(
    writing: Writing, seconds: float | None, *, of: Mapping[str, float | None] | None = None, actor: str
) -> None:
    """Change for how long; `of`: by source, None there: as the site. For films that come from now on."""
    wanted: dict[str, float | None] = {} if seconds is None else {SETTLE: seconds}
    for source, given in (of or {}).items():
        wanted[SETTLE_OF + checked_text(source, "The source", most=200)] = given
    for name, value in wanted.items():
        if value is not None and not (math.isfinite(value) and 0 <= value <= 86_400):
            raise WorklistError(f"{value} s: a study settles after 0 to 86,400 seconds.")
        writing.connection.execute(settings.delete().where(settings.c.name == name))
        if value is not None:
            writing.connection.execute(settings.insert().values(name=name, value=repr(float(value))))
        writing.log(actor, "setting.changed", name, value=value)


def wait(writing: Writing, study: Found, *, since_us: int, seconds: float) -> Found:
    """A film of the study came at `since_us`: it is complete `seconds` later, or later still."""
    until_us = settles_us(study, since_us=since_us, seconds=seconds, now_us=writing.now_us)
    if until_us == study.settles_us:
        return study
    writing.connection.execute(studies.update().where(studies.c.id == study.id).values(settles_us=until_us))
    return writing.connection.execute(select(studies).where(studies.c.id == study.id)).one()


def settles_us(study: Found, *, since_us: int, seconds: float, now_us: int) -> int | None:
    """Until when a film of the study is waited for, since one came at `since_us`; None where the study is complete."""
    until_us = since_us + int(seconds * 1e6)
    return until_us if until_us > max(now_us, study.settles_us or 0) else study.settles_us


def is_complete(study: Found, *, now_us: int) -> bool:
    """Whether no further film of it is waited for."""
    return study.settles_us is None or study.settles_us <= now_us


def close(writing: Writing, uid: str, *, source: str, actor: str) -> bool:
    """The sender reports the study complete; False where nothing of it is waited for.

    uid  StudyInstanceUID
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
    """Whether a study has become complete since `settle` was called."""
    first = connection.execute(select(func.min(studies.c.settles_us)).where(SETTLING_ALONE)).scalar_one()
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
    """The study is complete: it is cleared where that was decided and still holds, and its result may be sent."""
    connection = writing.connection
    connection.execute(studies.update().where(studies.c.id == study.id).values(settles_us=None))
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
