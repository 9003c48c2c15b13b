"""The drift watch of each policy, kept in the database: an alarm stops clearing, at every worker, until a person has
acknowledged it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from unseen.screening.monitoring import DriftReference, DriftWatch
from unseen.worklist.errors import NotFoundError
from unseen.worklist.listing import moment
from unseen.worklist.tables import watches
from unseen.worklist.writing import checked_text

if TYPE_CHECKING:
    from unseen.worklist.writing import Writing


@dataclass(frozen=True, kw_only=True)
class StandingAlarm:
    """Why nothing is cleared by a policy at present.

    policy  its digest
    kind    scores, or refusals
    """

    policy: str
    kind: str
    reason: str
    since: datetime


def observe(writing: Writing, policy: str, score: float | None, reference: DriftReference) -> None:
    """Count a study in, None for one that was not scored."""
    row = writing.connection.execute(select(watches).where(watches.c.policy == policy)).one_or_none()
    watch = DriftWatch() if row is None else DriftWatch.model_validate_json(row.state)
    stood = watch.alarm
    alarm = watch.observe(score, reference)
    values = {"state": watch.model_dump_json()}
    if alarm is not None and stood is None:
        values["reason"], values["kind"] = alarm.reason, alarm.kind
        writing.log("unseen", "drift.alarm", policy, kind=alarm.kind, p_value=alarm.p_value, reason=alarm.reason)
    if row is None:
        writing.connection.execute(watches.insert().values(policy=policy, since_us=writing.now_us, **values))
    else:
        since = {"since_us": writing.now_us} if "reason" in values else {}
        writing.connection.execute(watches.update().where(watches.c.policy == policy).values(**values, **since))


def alarms(connection: Connection) -> list[StandingAlarm]:
    """The alarms that nobody has acknowledged."""
    rows = connection.execute(select(watches).where(watches.c.reason.is_not(None)).order_by(watches.c.since_us)).all()
    return [
        StandingAlarm(policy=row.policy, kind=row.kind, reason=row.reason, since=moment(row.since_us)) for row in rows
    ]


def stopped(connection: Connection, policy: str) -> str:
    """Why nothing is cleared by this policy; "" where nothing stands against it."""
    reason = connection.execute(select(watches.c.reason).where(watches.c.policy == policy)).scalar_one_or_none()
    return reason or ""


def acknowledge(writing: Writing, policy: str, *, actor: str, note: str) -> None:
    """A person has looked: clearing goes on. Raises NotFoundError where no alarm stands."""
    checked_text(note, "The note", most=2000)
    row = writing.connection.execute(
        select(watches).where(watches.c.policy == policy, watches.c.reason.is_not(None))
    ).one_or_none()
    if row is None:
        raise NotFoundError("No alarm stands against this policy.")
    watch = DriftWatch.model_validate_json(row.state)
    watch.acknowledge()
    writing.connection.execute(
        watches.update()
        .where(watches.c.policy == policy)
        .values(state=watch.model_dump_json(), reason=None, kind=None, since_us=writing.now_us)
    )
    writing.log(actor, "drift.acknowledged", policy, kind=row.kind, note=writing.names.sealed("note", note))
