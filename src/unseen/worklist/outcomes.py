"""What readers said of studies: the report on each that stands, here or elsewhere. Labels are taken from it, and from
nothing else.

A film that came after the report is not spoken of by it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, exists, select

from unseen.worklist.tables import films, reports

LATEST = 2000
"""Normal studies that others are compared with: enough for a percentile, and of the site as it is now."""


def standing(*outcomes: str) -> Select[Any]:  # Any: report_id, study_id, outcome, made_us
    """The report on each study that stands, where it says one of `outcomes`; latest first.

    A report stands that was not taken back, and after which there was no other.
    """
    later = reports.alias("later")
    overruled = exists().where(
        later.c.study_id == reports.c.study_id, later.c.id > reports.c.id, later.c.undone_us.is_(None)
    )
    return (
        select(reports.c.id.label("report_id"), reports.c.study_id, reports.c.outcome, reports.c.made_us)
        .where(reports.c.outcome.in_(outcomes), reports.c.undone_us.is_(None), ~overruled)
        .order_by(reports.c.id.desc())
    )


def normal_films(*columns: Any) -> Select[Any]:  # Any: columns of whatever type
    """`columns` of the films of the `LATEST` studies that readers reported normal."""
    normal = standing("normal").limit(LATEST).subquery()
    return (
        select(*columns)
        .select_from(normal)
        .join(films, films.c.study_id == normal.c.study_id)
        .where(films.c.received_us <= normal.c.made_us)
    )
