"""Alarms of the drift watch: stored state of each policy's watch, acknowledgement of an alarm.

The rule by which films raise an alarm is `unseen.screening.DriftWatch`. An alarm stops clearing at every worker until
two people have acknowledged it, each with a note.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import Connection, select

from unseen.screening import DriftReference, DriftWatch
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.stored_time import moment, moment_or_none
from unseen_server.worklist.tables import alarms as raised_alarms
from unseen_server.worklist.tables import watches
from unseen_server.worklist.two_person_rule import needs_another, needs_note

if TYPE_CHECKING:
    from unseen_server.worklist.database import Database
    from unseen_server.worklist.transactions import Found, Writing


@dataclass(frozen=True, kw_only=True)
class StandingAlarm:
    """Drift alarm that stops a policy from clearing.

    >>> since = datetime(2026, 1, 1)
    >>> StandingAlarm(policy="ab12", kind="scores", reason="the scores have changed", since=since).first_by is None
    True

    reason      a sentence
    since       when it began
    first       when that person acknowledged it
    first_note  that person's words
    """

    policy: Annotated[str, Field(description="its digest")]
    kind: Annotated[str, Field(description="scores, or refusals")]
    reason: str
    since: datetime
    first_by: Annotated[str | None, Field(description="who has acknowledged it; a second person ends it")] = None
    first: datetime | None = None
    first_note: str = ""


def observe(
    writing: Writing, policy: str, score: float | None, reference: DriftReference, *, study: str | None = None
) -> None:
    """Count a study in, None for one that was not scored."""
    observe_all(writing, policy, [(study, score)], reference)


def observe_all(
    writing: Writing, policy: str, scored: Sequence[tuple[str | None, float | None]], reference: DriftReference
) -> int | None:
    """Count studies in, each with its score; see `observe`.

    Args:
        writing: the transaction.
        policy: digest of the policy that they were scored by.
        scored: by study (its public id; None: it is not known), the score.
        reference: what the watch compares with.

    Returns:
        After how many of them an alarm stood: 0 where it did before, None where none does.
    """
    row = rows_of(writing.connection, watches, policy=policy).one_or_none()
    watch = DriftWatch() if row is None else DriftWatch.model_validate_json(row.state)
    window: list[str] = [] if row is None else json.loads(row.studies)
    raised: list[str] = []
    recorded = False
    stood = alarm = watch.alarm
    after = None if stood is None else 0
    for number, (study, score) in enumerate(scored, start=1):
        counted, windows = len(watch.scores) + watch.refused + 1, watch.windows
        window += [] if study is None else [study]
        alarm = watch.observe(score, reference)
        if alarm is not None and after is None:
            after, raised, recorded = number, window, len(window) == counted
        if watch.windows > windows:
            window = []
    values = {"state": watch.model_dump_json(), "studies": json.dumps(window)}
    if alarm is not None and stood is None:
        values["reason"], values["kind"] = alarm.reason, alarm.kind
        writing.log("unseen", "drift.alarm", policy, kind=alarm.kind, p_value=alarm.p_value, reason=alarm.reason)
        of_it = {"policy": policy, "kind": alarm.kind, "reason": alarm.reason, "raised_us": writing.now_us}
        writing.connection.execute(
            raised_alarms.insert().values(**of_it, studies=json.dumps(raised), recorded=recorded)
        )
    if row is None:
        writing.connection.execute(watches.insert().values(policy=policy, since_us=writing.now_us, **values))
    else:
        since = {"since_us": writing.now_us} if "reason" in values else {}
        writing.connection.execute(watches.update().where(watches.c.policy == policy).values(**values, **since))
    return after


def alarms(connection: Connection) -> list[StandingAlarm]:
    """Return the alarms that nobody has acknowledged."""
    rows = connection.execute(select(watches).where(watches.c.reason.is_not(None)).order_by(watches.c.since_us)).all()
    return [
        StandingAlarm(
            policy=row.policy,
            kind=row.kind,
            reason=row.reason,
            since=moment(row.since_us),
            first_by=row.first_by,
            first=moment_or_none(row.first_us),
            first_note=row.first_note or "",
        )
        for row in rows
    ]


def acknowledge(writing: Writing, policy: str, *, actor: str, note: str) -> bool:
    """Record that a person has looked.

    The first one's word is kept and the alarm stands; with the second one's clearing resumes, and True is returned.

    Raises NotFoundError where no alarm stands, NotAllowedError for the same person again, WorklistError without a note.
    """
    row = _standing(writing, policy)
    needs_note(note)
    sealed = writing.names.sealed("note", note)
    of_policy = watches.update().where(watches.c.policy == policy)
    if row.first_by is None:
        writing.connection.execute(of_policy.values(first_by=actor, first_us=writing.now_us, first_note=note))
        writing.log(actor, "drift.looked_at", policy, kind=row.kind, note=sealed)
        return False
    needs_another(
        actor,
        first=row.first_by,
        sentence=f"{actor} has acknowledged this alarm already, and a second person must: another lead or admin.",
    )
    watch = DriftWatch.model_validate_json(row.state)
    watch.acknowledge()
    writing.connection.execute(
        of_policy.values(state=watch.model_dump_json(), reason=None, kind=None, since_us=writing.now_us, **_NOBODY)
    )
    of_it = (raised_alarms.c.policy == policy, raised_alarms.c.ended_us.is_(None))
    writing.connection.execute(raised_alarms.update().where(*of_it).values(ended_us=writing.now_us))
    writing.log(actor, "drift.acknowledged", policy, kind=row.kind, note=sealed, first_by=row.first_by)
    return True


def withdraw_acknowledgement(writing: Writing, policy: str, *, actor: str) -> None:
    """Take back the first acknowledgement. Raises NotFoundError where there is none."""
    row = _standing(writing, policy)
    if row.first_by is None:
        raise NotFoundError("Nobody has acknowledged this alarm: there is nothing to take back.")
    writing.connection.execute(watches.update().where(watches.c.policy == policy).values(**_NOBODY))
    writing.log(actor, "drift.withdrawn", policy, kind=row.kind, first_by=row.first_by)


def _standing(writing: Writing, policy: str) -> Found:
    of_policy = (watches.c.policy == policy, watches.c.reason.is_not(None))
    row = writing.connection.execute(select(watches).where(*of_policy)).one_or_none()
    if row is None:
        raise NotFoundError("No alarm stands against this policy.")
    return row


_NOBODY = {"first_by": None, "first_us": None, "first_note": None}


@dataclass(frozen=True, kw_only=True)
class WatchProgress:
    """Progress of a policy's drift watch: complete windows, and studies in the one that is not complete."""

    windows: int
    studies: int


def watched(database: Database, policy: str) -> WatchProgress:
    """Return the progress of the drift watch of the policy with this digest."""
    with database.reading() as connection:
        state = connection.execute(select(watches.c.state).where(watches.c.policy == policy)).scalar_one_or_none()
    watch = DriftWatch() if state is None else DriftWatch.model_validate_json(state)
    return WatchProgress(windows=watch.windows, studies=len(watch.scores) + watch.refused)
