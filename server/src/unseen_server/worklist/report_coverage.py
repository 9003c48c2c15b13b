"""Films that a report covers; a frontal film that it does not cover opens the study again (`result_batch`).

A film that joins a study after a report is not covered by this report: its study is opened again, and the report is no
label of it. A reader's report (`seen`) covers the frontal films that were shown to this reader, and no others: a film
may be received before the report and join its study later, since it is a study of its own until a worker has read it.

For all other reports, and for films that need not be shown (laterals, films that were set aside), the times decide:
that of the report, and that at which the film was received, or joined a study with a report. `moment_of_report` and
`joins_later` keep these two times in the order of the events, also after the clock was set back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, exists, false, func, or_, select

from unseen_server.worklist.bulk import among
from unseen_server.worklist.tables import films, outside_reports, reports, seen

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, FromClause

    from unseen_server.worklist.transactions import Writing


def covers(report: FromClause, *, lateral: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """Return the condition that a report covers a film; the film is a row of `films` in the query.

    Args:
        report: `reports`, or a subquery with its columns `reader`, `how` and `made_us`.
        lateral: Condition that the film is a lateral; None: as it is stored.
    """
    if lateral is None:
        lateral = func.coalesce(films.c.projection, "") == "lateral"
    shown = exists().where(seen.c.film_id == films.c.id, seen.c.account == report.c.reader).correlate(films, report)
    return _in_time(report) & or_(report.c.how != "seen", lateral, films.c.aside.is_not(None), shown)


def _in_time(report: FromClause) -> ColumnElement[bool]:
    return _came_us() <= report.c.made_us


def _came_us() -> ColumnElement[int]:
    """Return the time at which a film came to its study, as far as a report on the study is concerned."""
    return func.coalesce(films.c.joined_us, films.c.received_us)


def not_covered(connection: Connection, numbers: Collection[int]) -> dict[int, dict[int, bool]]:
    """Return the films that the standing report on their study does not cover if they are frontal films.

    Args:
        connection: A connection.
        numbers: Numbers of studies.

    Returns:
        By study, by film: True if the report does not cover a lateral film either.
    """
    stand = (among(connection, reports.c.study_id, numbers), reports.c.undone_us.is_(None))
    latest = select(func.max(reports.c.id)).where(*stand).group_by(reports.c.study_id)
    late = case((_in_time(reports), 0), else_=1).label("late")
    query = (
        select(films.c.study_id, films.c.id, late)
        .join(reports, reports.c.study_id == films.c.study_id)
        .where(reports.c.id.in_(latest), ~covers(reports, lateral=false()))
    )
    found: dict[int, dict[int, bool]] = {}
    for row in connection.execute(query):
        found.setdefault(row.study_id, {})[row.id] = bool(row.late)
    return found


def moment_of_report(writing: Writing, study: int) -> int:
    """Return the time of a report that is made now: not before any film of the study was received."""
    return max(writing.now_us, _latest(writing, _came_us(), films.c.study_id == study) or 0)


def joins_later(writing: Writing, moving: int, target: int) -> None:
    """Record that the films of a study join another one after all reports on the other study.

    A report that came before all films of its study is about the study, not about the films that were there: for it
    the time of receipt decides. Films of a study with a report of its own keep their time: that report is about them.

    Args:
        writing: The transaction.
        moving: Number of the study whose films join; they are not moved yet.
        target: Number of the study with reports.
    """
    early = select(outside_reports.c.report_id).where(
        outside_reports.c.study_id == target, outside_reports.c.early, outside_reports.c.report_id.is_not(None)
    )
    stands = reports.c.undone_us.is_(None)
    own = _latest(writing, reports.c.made_us, reports.c.study_id == moving, stands)
    made_us = _latest(writing, reports.c.made_us, reports.c.study_id == target, stands, reports.c.id.not_in(early))
    if own is None and made_us is not None:
        joined_us = max(writing.now_us, made_us + 1)
        came = (films.c.study_id == moving, _came_us() < joined_us)
        writing.connection.execute(films.update().where(*came).values(joined_us=joined_us))


def _latest(writing: Writing, column: ColumnElement[int], *conditions: ColumnElement[bool]) -> int | None:
    found: Any = writing.connection.execute(select(func.max(column)).where(*conditions)).scalar_one()
    return found if found is None else int(found)
