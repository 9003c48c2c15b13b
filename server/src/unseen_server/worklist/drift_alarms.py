"""`DriftAlarms`: drift alarms, their acknowledgement by two people, and reopening what was cleared before one.

An alarm stops clearing at every worker until two people have acknowledged it, each with a note. `drift_counting` raises
alarms.

Tables: watches, alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import select

from unseen.screening import DriftWatch
from unseen_server.worklist import clearing, reopening
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.stored_time import moment, moment_or_none
from unseen_server.worklist.tables import alarms as raised_alarms
from unseen_server.worklist.tables import watches
from unseen_server.worklist.two_person_rule import needs_another, needs_note

if TYPE_CHECKING:
    from unseen_server.worklist.reopening import RaisedAlarm
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Found, Writing

_NOBODY = {"first_by": None, "first_us": None, "first_note": None}


@dataclass(frozen=True, kw_only=True)
class StandingAlarm:
    """Drift alarm that stops a policy from clearing.

    >>> since = datetime(2026, 1, 1)
    >>> StandingAlarm(policy="ab12", kind="scores", reason="the scores have changed", since=since).first_by is None
    True

    Args:
        reason: a sentence.
        since: when it began.
        first: when that person acknowledged it.
        first_note: that person's words.
    """

    policy: Annotated[str, Field(description="its digest")]
    kind: Annotated[str, Field(description="scores, or refusals")]
    reason: str
    since: datetime
    first_by: Annotated[str | None, Field(description="who has acknowledged it; a second person ends it")] = None
    first: datetime | None = None
    first_note: str = ""


class DriftAlarms:
    """Drift alarms of a worklist: `store.alarms`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.alarms.standing()
    []
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def standing(self) -> list[StandingAlarm]:
        """Return drift alarms that two people have not acknowledged; while one stands, its policy clears nothing."""
        with self._site.database.reading() as connection:
            rows = connection.execute(
                select(watches).where(watches.c.reason.is_not(None)).order_by(watches.c.since_us)
            ).all()
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

    def acknowledge(self, policy: str, *, actor: str, note: str) -> bool:
        """Acknowledge a policy's drift alarm.

        The first person's note is kept, and the alarm stands. When a second person acknowledges it, clearing resumes,
        and True is returned.

        Raises NotFoundError where none stands, NotAllowedError for the same person again, WorklistError without a note.
        """
        with self._site.writing() as writing:
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
                sentence=f"{actor} has acknowledged this alarm already, and a second person must: "
                "another lead or admin.",
            )
            watch = DriftWatch.model_validate_json(row.state)
            watch.acknowledge()
            writing.connection.execute(
                of_policy.values(
                    state=watch.model_dump_json(), reason=None, kind=None, since_us=writing.now_us, **_NOBODY
                )
            )
            of_it = (raised_alarms.c.policy == policy, raised_alarms.c.ended_us.is_(None))
            writing.connection.execute(raised_alarms.update().where(*of_it).values(ended_us=writing.now_us))
            writing.log(actor, "drift.acknowledged", policy, kind=row.kind, note=sealed, first_by=row.first_by)
            return True

    def withdraw_acknowledgement(self, policy: str, *, actor: str) -> None:
        """Take back the first acknowledgement of an alarm. Raises NotFoundError where there is none."""
        with self._site.writing() as writing:
            row = _standing(writing, policy)
            if row.first_by is None:
                raise NotFoundError("Nobody has acknowledged this alarm: there is nothing to take back.")
            writing.connection.execute(watches.update().where(watches.c.policy == policy).values(**_NOBODY))
            writing.log(actor, "drift.withdrawn", policy, kind=row.kind, first_by=row.first_by)

    def clearing_stopped(self, policy: str) -> str:
        """Return the reason why the policy with this digest clears nothing; "" if it clears."""
        with self._site.database.reading() as connection:
            return clearing.stopped(connection, policy)

    def raised(self) -> list[RaisedAlarm]:
        """Return the latest drift alarms, also ended ones, with what was cleared of the studies that raised each."""
        with self._site.database.reading() as connection:
            return reopening.raised_alarms(connection)

    def propose_reopening(self, alarm: int, *, actor: str, note: str) -> None:
        """Propose to reopen what was cleared of the studies whose films raised an alarm; see `reopening.propose`."""
        with self._site.writing() as writing:
            reopening.propose(writing, alarm, actor=actor, note=note)

    def withdraw_reopening(self, alarm: int, *, actor: str) -> None:
        """Take that proposal back. Raises NotFoundError where there is none."""
        with self._site.writing() as writing:
            reopening.withdraw(writing, alarm, actor=actor)

    def reopen_cleared(self, alarm: int, *, actor: str, note: str) -> int:
        """Reopen what another person has proposed to reopen; returns how many studies. See `reopening.confirm`."""
        with self._site.writing() as writing:
            return reopening.confirm(writing, alarm, actor=actor, note=note)


def _standing(writing: Writing, policy: str) -> Found:
    of_policy = (watches.c.policy == policy, watches.c.reason.is_not(None))
    row = writing.connection.execute(select(watches).where(*of_policy)).one_or_none()
    if row is None:
        raise NotFoundError("No alarm stands against this policy.")
    return row
