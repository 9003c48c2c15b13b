"""Monitoring: the drift watch of each policy, trends for charts, the audit sample.

The drift watch of each policy, kept in the database: an alarm stops clearing, at every worker, until two people have
acknowledged it, each with a note.

What has been going on lately, for charts: scores in blocks of films, and the audit sample as it grew.

The audit sample: cleared studies that were read anyway, and the readers' reports on them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, func, select

from unseen.screening import DriftReference, DriftWatch, abnormal_share
from unseen_server.worklist.labels import is_hasty
from unseen_server.worklist.listing import moment
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.tables import alarms as raised_alarms
from unseen_server.worklist.tables import films, findings, reports, studies, watches
from unseen_server.worklist.transactions import checked_text

if TYPE_CHECKING:
    from unseen.evaluation import Figure
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.transactions import Found, Writing


@dataclass(frozen=True, kw_only=True)
class StandingAlarm:
    """Why nothing is cleared by a policy at present.

    >>> since = datetime(2026, 1, 1)
    >>> StandingAlarm(policy="ab12", kind="scores", reason="the scores have changed", since=since).first_by is None
    True

    policy      its digest
    kind        scores, or refusals
    reason      a sentence
    since       when it began
    first       when that person acknowledged it
    first_note  that person's words
    first_by    who has acknowledged it; a second person ends it. None where nobody has
    """

    policy: str
    kind: str
    reason: str
    since: datetime
    first_by: str | None = None
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
    row = writing.connection.execute(select(watches).where(watches.c.policy == policy)).one_or_none()
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
    """The alarms that nobody has acknowledged."""
    rows = connection.execute(select(watches).where(watches.c.reason.is_not(None)).order_by(watches.c.since_us)).all()
    return [
        StandingAlarm(
            policy=row.policy,
            kind=row.kind,
            reason=row.reason,
            since=moment(row.since_us),
            first_by=row.first_by,
            first=None if row.first_us is None else moment(row.first_us),
            first_note=row.first_note or "",
        )
        for row in rows
    ]


def acknowledge(writing: Writing, policy: str, *, actor: str, note: str) -> bool:
    """A person has looked. The first one's word is kept and the alarm stands; with the second one's clearing resumes,
    and True is returned.

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
    if row.first_by == actor:
        raise NotAllowedError(
            f"{actor} has acknowledged this alarm already, and a second person must: another lead or admin."
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


def needs_note(note: str, *, of: str = "what was looked at, and why clearing may start") -> None:
    """Raise WorklistError for an empty note: what two people do needs a note of each."""
    if not checked_text(note, "The note", most=2000).strip():
        raise WorklistError(f"Write a note: {of}.")


_NOBODY = {"first_by": None, "first_us": None, "first_note": None}
FILMS = 500
BLOCK = 50
POINTS = 100
"""Of a longer audit sample, so many points evenly along it, the latest among them."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some films that were scored one after the other.

    scored, refused   how many were, and were not
    quartiles         25, 50, 75 % of the scores; None where none was scored
    above             how many scores lie above a limit
    """

    first: datetime
    last: datetime
    scored: int
    refused: int
    quartiles: tuple[float, float, float] | None
    above: int


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How far a policy's drift watch is: windows that are whole, and studies in the one that is not."""

    windows: int
    studies: int


@dataclass(frozen=True, kw_only=True)
class Audited:
    """The audit sample after a reading: `read` studies called normal or abnormal, and the share of abnormal ones."""

    time: datetime
    read: int
    abnormal: int
    share: Figure


def blocks(store: Store, model: str, *, above: float | None, most: int = FILMS, size: int = BLOCK) -> list[Block]:
    """The latest films that `model` scored or refused, oldest first, in blocks; the last block may be short.

    above  the limit over which scores are counted; None: none are
    """
    with store.database.reading() as connection:
        rows = connection.execute(
            select(findings.c.score, findings.c.made_us, films.c.projection)
            .join(films, films.c.id == findings.c.film_id)
            .where(findings.c.model == model)
            .order_by(findings.c.id.desc())
            .limit(most)
        ).all()
    kept: list[Found] = [row for row in reversed(rows) if row.projection != "lateral"]
    return [_block(kept[start : start + size], above) for start in range(0, len(kept), size)]


def watched(store: Store, policy: str) -> Watched:
    """How far the drift watch of the policy with this digest is."""
    with store.database.reading() as connection:
        state = connection.execute(select(watches.c.state).where(watches.c.policy == policy)).scalar_one_or_none()
    watch = DriftWatch() if state is None else DriftWatch.model_validate_json(state)
    return Watched(windows=watch.windows, studies=len(watch.scores) + watch.refused)


def audited(store: Store) -> list[Audited]:
    """The audit sample as it grew, oldest first: after each reading that stands, the share of abnormal ones so far."""
    latest = (
        select(func.max(reports.c.id))
        .join(studies, studies.c.id == reports.c.study_id)
        .where(studies.c.audit_sample, reports.c.undone_us.is_(None), ~is_hasty())
        .group_by(reports.c.study_id)
    )
    with store.database.reading() as connection:
        rows = connection.execute(
            select(reports.c.outcome, reports.c.made_us)
            .where(reports.c.id.in_(latest), reports.c.outcome.in_(("normal", "abnormal")))
            .order_by(reports.c.id)
        ).all()
    found, abnormal, step = [], 0, -(-len(rows) // POINTS)
    for read, row in enumerate(rows, start=1):
        abnormal += row.outcome == "abnormal"
        if (len(rows) - read) % step == 0:
            share = abnormal_share(abnormal, read)
            found.append(Audited(time=moment(row.made_us), read=read, abnormal=abnormal, share=share))
    return found


def _block(rows: Sequence[Found], above: float | None) -> Block:
    scores = np.array([row.score for row in rows if row.score is not None])
    return Block(
        first=moment(rows[0].made_us),
        last=moment(rows[-1].made_us),
        scored=len(scores),
        refused=len(rows) - len(scores),
        quartiles=tuple(np.quantile(scores, (0.25, 0.5, 0.75)).tolist()) if len(scores) else None,
        above=0 if above is None else int((scores > above).sum()),
    )


@dataclass(frozen=True, kw_only=True)
class AuditSample:
    """The sample of cleared studies that are read all the same.

    >>> from unseen.evaluation import Missing
    >>> AuditSample(waiting=2, read=0, abnormal=0, unsure=0, share=Missing("none was read")).waiting
    2

    waiting  studies that wait
    read     studies that were read
    abnormal  studies that were called abnormal
    unsure   studies that left readers unsure; they are not in `share`
    share   of abnormal ones among those called normal or abnormal, with its interval
    """

    waiting: int
    read: int
    abnormal: int
    unsure: int
    share: Figure


def audit_sample(connection: Connection) -> AuditSample:
    """The sample as it stands, without reports under two seconds. A study whose report was undone waits again."""
    latest = (
        select(func.max(reports.c.id))
        .join(studies, studies.c.id == reports.c.study_id)
        .where(studies.c.audit_sample, reports.c.undone_us.is_(None), ~is_hasty())
        .group_by(reports.c.study_id)
    )
    by_outcome = (
        select(reports.c.outcome, func.count().label("studies"))
        .where(reports.c.id.in_(latest))
        .group_by(reports.c.outcome)
    )
    counts: dict[str | None, int] = {row.outcome: row.studies for row in connection.execute(by_outcome)}
    waiting = connection.execute(
        select(func.count()).select_from(studies).where(studies.c.audit_sample, studies.c.shelf == "to_read")
    ).scalar_one()
    abnormal, normal = counts.get("abnormal", 0), counts.get("normal", 0)
    return AuditSample(
        waiting=waiting,
        read=abnormal + normal,
        abnormal=abnormal,
        unsure=counts.get("unsure", 0),
        share=abnormal_share(abnormal, abnormal + normal),
    )
