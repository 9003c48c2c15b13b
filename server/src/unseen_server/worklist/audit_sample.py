"""Audit sample: cleared studies that are read anyway, and the reports on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, union

from unseen.screening import abnormal_share
from unseen_server.worklist.labels import is_hasty
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import reports, studies
from unseen_server.worklist.training_patients import patient_name

if TYPE_CHECKING:
    from unseen.evaluation import Figure
    from unseen_server.worklist.database import Database
    from unseen_server.worklist.transactions import Found

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
    with database.reading() as connection:
        rows = [row for row in _reports(connection) if row.outcome != "unsure"]
    found, abnormal, step = [], 0, -(-len(rows) // POINTS)
    patients = [_patient(row) for row in rows]
    for read, row in enumerate(rows, start=1):
        abnormal += row.outcome == "abnormal"
        if (len(rows) - read) % step == 0:
            share = abnormal_share(abnormal, read, patients=patients[:read])
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
        share: of abnormal ones among those called normal or abnormal, with its interval, which counts patients.
    """

    waiting: int
    read: int
    abnormal: int
    unsure: int
    share: Figure


def _reports(connection: Connection) -> list[Found]:
    """Return the report that counts for each study of the sample: the latest that was not undone and took its time.

    The study was in the sample when it was reported. A later decision on it, as by another film, does not change that;
    patients with a finding have more such films than others. If the study is cleared again, and waits, the report
    counts until the next one. A report from before the study was cleared counts only while the study does not wait.
    Oldest first.
    """
    stands = (reports.c.undone_us.is_(None), reports.c.outcome.is_not(None), ~is_hasty())
    now = studies.c.audit_sample & (studies.c.shelf == "reported")
    candidates = union(  # each part has its index
        select(reports.c.study_id, reports.c.id).where(reports.c.audited, *stands),
        select(reports.c.study_id, reports.c.id).join(studies, studies.c.id == reports.c.study_id).where(now, *stands),
    ).subquery()
    latest = select(func.max(candidates.c.id)).group_by(candidates.c.study_id)
    query = (
        select(reports.c.outcome, reports.c.made_us, studies.c.public_id, studies.c.patient, studies.c.issuer)
        .join(studies, studies.c.id == reports.c.study_id)
        .where(reports.c.id.in_(latest))
        .order_by(reports.c.id)
    )
    return list(connection.execute(query))


def _patient(row: Found) -> str:
    return patient_name(row.public_id, row.patient, row.issuer)


def audit_sample(connection: Connection) -> AuditSample:
    """Return the sample as it is now, without reports under two seconds.

    A study whose report was undone waits again.
    """
    rows = _reports(connection)
    counts = Counter(row.outcome for row in rows)
    waiting = connection.execute(
        select(func.count()).select_from(studies).where(studies.c.audit_sample, studies.c.shelf == "to_read")
    ).scalar_one()
    abnormal, normal = counts.get("abnormal", 0), counts.get("normal", 0)
    return AuditSample(
        waiting=waiting,
        read=abnormal + normal,
        abnormal=abnormal,
        unsure=counts.get("unsure", 0),
        share=abnormal_share(
            abnormal, abnormal + normal, patients=[_patient(row) for row in rows if row.outcome != "unsure"]
        ),
    )
