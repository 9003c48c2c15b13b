"""The audit sample: cleared studies that were read all the same, and what readers said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from unseen.screening.monitoring import abnormal_share
from unseen.worklist.tables import reports, studies

if TYPE_CHECKING:
    from unseen.evaluation.intervals import Figure


@dataclass(frozen=True, kw_only=True)
class AuditSample:
    """How many sampled studies wait, were read, were called abnormal, and left readers unsure (not in `share`).

    share   of abnormal ones among those called normal or abnormal, with its interval
    """

    waiting: int
    read: int
    abnormal: int
    unsure: int
    share: Figure


def audit_sample(connection: Connection) -> AuditSample:
    """The sample as it stands. A study whose report was undone waits again."""
    latest = (
        select(func.max(reports.c.id))
        .join(studies, studies.c.id == reports.c.study_id)
        .where(studies.c.audit_sample, reports.c.undone_us.is_(None))
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
