"""Audit sample: cleared studies that are read anyway, and the readers' reports on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from unseen.screening import abnormal_share
from unseen_server.worklist.labels import is_hasty
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import reports, studies

if TYPE_CHECKING:
    from unseen.evaluation import Figure
    from unseen_server.worklist.database import Database

POINTS = 100
"""Most points that are sent, evenly spread over a longer audit sample, with the latest."""


@dataclass(frozen=True, kw_only=True)
class Audited:
    """The audit sample after a reading: `read` studies called normal or abnormal, and the share of abnormal ones."""

    time: datetime
    read: int
    abnormal: int
    share: Figure


def audited(database: Database) -> list[Audited]:
    """Return the audit sample as it grew, oldest first: after each reading that stands, the share of abnormal ones so
    far.
    """
    latest = (
        select(func.max(reports.c.id))
        .join(studies, studies.c.id == reports.c.study_id)
        .where(studies.c.audit_sample, reports.c.undone_us.is_(None), ~is_hasty())
        .group_by(reports.c.study_id)
    )
    with database.reading() as connection:
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


@dataclass(frozen=True, kw_only=True)
class AuditSample:
    """The sample of cleared studies that are read all the same.

    >>> from unseen.evaluation import Missing
    >>> AuditSample(waiting=2, read=0, abnormal=0, unsure=0, share=Missing("none was read")).waiting
    2

    Args:
        waiting: studies that wait.
        read: studies that were read.
        abnormal: studies that were called abnormal.
        unsure: studies that left readers unsure; they are not in `share`.
        share: of abnormal ones among those called normal or abnormal, with its interval.
    """

    waiting: int
    read: int
    abnormal: int
    unsure: int
    share: Figure


def audit_sample(connection: Connection) -> AuditSample:
    """Return the sample as it stands, without reports under two seconds.

    A study whose report was undone waits again.
    """
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
