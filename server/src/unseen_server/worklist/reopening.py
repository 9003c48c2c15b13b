"""Reopening: studies that were cleared among the films that raised a drift alarm go back to the list, by two people.

An alarm is raised at the end of a window of studies. What was cleared of that window was cleared while the scores had
drifted already, and the alarm stops only what comes later. One person proposes to reopen these studies, with a note; a
second one does it. They are then unread, no policy clears them again, and whoever has their result gets a correction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field
from sqlalchemy import Connection, func, select

from unseen_server.worklist import completeness, outbox
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, after
from unseen_server.worklist.stored_time import moment, moment_or_none
from unseen_server.worklist.study_decisions import REOPENED
from unseen_server.worklist.tables import alarms, decisions, films, merged, studies
from unseen_server.worklist.two_person_rule import needs_another, needs_note

if TYPE_CHECKING:
    from unseen_server.worklist.transactions import Found, Writing

MOST: Final = 20
"""Alarms that are returned, the latest first."""
_READ: Final = ("reported", "reported_elsewhere", "set_aside")
_NOBODY: Final = {"proposed_by": None, "proposed_us": None, "proposed_note": None}


@dataclass(frozen=True, kw_only=True)
class RaisedAlarm:
    """A drift alarm, and what was cleared of the studies whose films raised it.

    Args:
        number: its name.
        reason: a sentence.
        raised: when.
        reopened_by: the second person, when (`reopened`), why (`reopened_note`), and how many (`reopened_studies`).
    """

    number: int
    policy: Annotated[str, Field(description="digest of the policy whose drift watch raised it")]
    kind: Annotated[str, Field(description="scores, or refusals")]
    reason: str
    raised: datetime
    ended: Annotated[datetime | None, Field(description="when the second person acknowledged it; null: it stands")]
    studies: Annotated[int, Field(description="studies of the window that raised it, as far as they are known")]
    recorded: Annotated[
        bool, Field(description="false: an earlier release has counted some of them, and kept no names")
    ]
    cleared: Annotated[tuple[str, ...], Field(description="those that are cleared, and that nobody has read")]
    proposed_by: Annotated[str | None, Field(description="who has proposed to reopen them; a second person does it")]
    proposed: datetime | None
    proposed_note: str
    reopened_by: str | None
    reopened: datetime | None
    reopened_note: str
    reopened_studies: Annotated[int, Field(description="how many were reopened")]


def raised_alarms(connection: Connection) -> list[RaisedAlarm]:
    """Return the latest alarms, the latest first."""
    rows = connection.execute(select(alarms).order_by(alarms.c.id.desc()).limit(MOST)).all()
    return [
        RaisedAlarm(
            number=row.id,
            policy=row.policy,
            kind=row.kind,
            reason=row.reason,
            raised=moment(row.raised_us),
            ended=moment_or_none(row.ended_us),
            studies=len(json.loads(row.studies)),
            recorded=row.recorded,
            cleared=tuple(study.public_id for study in _cleared(connection, row)),
            proposed_by=row.proposed_by,
            proposed=moment_or_none(row.proposed_us),
            proposed_note=row.proposed_note or "",
            reopened_by=row.reopened_by,
            reopened=moment_or_none(row.reopened_us),
            reopened_note=row.reopened_note or "",
            reopened_studies=row.reopened or 0,
        )
        for row in rows
    ]


def propose(writing: Writing, number: int, *, actor: str, note: str) -> None:
    """Propose to reopen what was cleared of the studies whose films raised an alarm.

    Raises NotFoundError, NotAllowedError where that was proposed or nothing is cleared, WorklistError without a note.
    """
    row = _alarm(writing.connection, number)
    needs_note(note, of="what was looked at, and why the studies are to be read")
    if row.proposed_by is not None:
        raise NotAllowedError(f"{row.proposed_by} has proposed this already. A second person confirms it.")
    cleared = _some_cleared(writing.connection, row)
    values = {"proposed_by": actor, "proposed_us": writing.now_us, "proposed_note": note}
    update_row(writing.connection, alarms, row.id, values)
    sealed = writing.names.sealed("note", note)
    writing.log(actor, "drift.reopening_proposed", row.policy, alarm=row.id, studies=len(cleared), note=sealed)


def withdraw(writing: Writing, number: int, *, actor: str) -> None:
    """Take a proposal back. Raises NotFoundError where there is none, NotAllowedError where it was carried out."""
    row = _alarm(writing.connection, number)
    if row.proposed_by is None:
        raise NotFoundError("Nobody has proposed to reopen these studies: there is nothing to take back.")
    update_row(writing.connection, alarms, row.id, _NOBODY)
    writing.log(actor, "drift.reopening_withdrawn", row.policy, alarm=row.id, proposed_by=row.proposed_by)


def confirm(writing: Writing, number: int, *, actor: str, note: str) -> int:
    """Reopen what another person has proposed to reopen; returns how many studies that were.

    Raises NotFoundError, WorklistError without a note, NotAllowedError where nobody has proposed it, for the person who
    has, and where nothing is cleared any more.
    """
    row = _alarm(writing.connection, number)
    needs_note(note, of="what was looked at, and why the studies are to be read")
    if row.proposed_by is None:
        raise NotAllowedError("Nobody has proposed to reopen these studies. Propose it; a second person confirms it.")
    needs_another(
        actor,
        first=row.proposed_by,
        sentence=f"{actor} has proposed this, and a second person must confirm it: another lead or admin.",
    )
    cleared = _some_cleared(writing.connection, row)
    for study in cleared:
        _reopen(writing, study, row, actor=actor)
    values = {"reopened_by": actor, "reopened_us": writing.now_us, "reopened_note": note, "reopened": len(cleared)}
    update_row(writing.connection, alarms, row.id, values)
    writing.log(
        actor,
        "drift.reopened",
        row.policy,
        alarm=row.id,
        studies=len(cleared),
        proposed_by=row.proposed_by,
        note=writing.names.sealed("note", note),
    )
    return len(cleared)


def _reopen(writing: Writing, study: Found, alarm: Found, *, actor: str) -> None:
    """Bring a study back to the list, and send its new result where its study is complete."""
    connection = writing.connection
    instead = {"action": "read", "reason": REOPENED}
    last = connection.execute(
        select(decisions)
        .where(decisions.c.study_id == study.id, decisions.c.film_id.is_(None))
        .order_by(decisions.c.id.desc())
        .limit(1)
    ).one()
    before = {column.name: getattr(last, column.name) for column in decisions.c if column.name != "id"}
    entered = decisions.insert().values(before | instead | {"made_us": writing.now_us})
    decided = connection.execute(entered.returning(*decisions.c)).one()
    writing.move(
        study,
        after(study.state, "judge", standing="to_read"),
        actor=actor,
        action="study.reopened_after_alarm",
        standing="to_read",
        columns=instead | {"reopened_us": writing.now_us},
        alarm=alarm.id,
        proposed_by=alarm.proposed_by,
    )
    unjudged = select(func.count()).where(films.c.study_id == study.id, films.c.judged.is_(False))
    if completeness.is_complete(study, now_us=writing.now_us) and not connection.execute(unjudged).scalar_one():
        outbox.enter(writing, study, decided)


def _alarm(connection: Connection, number: int) -> Found:
    """Return an alarm whose studies were not reopened yet."""
    row = rows_of(connection, alarms, id=number).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no drift alarm {number} here.")
    if row.reopened_by is not None:
        raise NotAllowedError(
            f"{row.reopened_by} has reopened these studies at {moment(row.reopened_us):%Y-%m-%d %H:%M} UTC, as "
            f"{row.proposed_by} had proposed."
        )
    return row


def _some_cleared(connection: Connection, alarm: Found) -> Sequence[Found]:
    found = _cleared(connection, alarm)
    if not found:
        raise NotAllowedError(
            "None of the studies whose films raised this alarm is cleared and unread: there is nothing to reopen."
        )
    return found


def _cleared(connection: Connection, alarm: Found) -> Sequence[Found]:
    """Return the studies of the alarm's window that its policy has cleared and nobody has read, also those of the audit
    sample and those that are not complete yet.
    """
    names = json.loads(alarm.studies)
    joined = select(merged.c.study_id).where(merged.c.public_id.in_(names))
    return connection.execute(
        select(studies)
        .where(
            studies.c.public_id.in_(names) | studies.c.id.in_(joined),
            studies.c.action == "clear",
            studies.c.policy == alarm.policy,
            studies.c.state.not_in(_READ),
        )
        .order_by(studies.c.id)
    ).all()
