"""What a row of the list shows beside the study's own columns: a film to look at, which model decided, what was said.

Asked for a page of studies at once, each from an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from unseen.screening.decision import is_lateral
from unseen.worklist.tables import decisions, films, reports
from unseen.worklist.writing import Found

_NOTHING = (None, None)


@dataclass(frozen=True, kw_only=True)
class RowFacts:
    """Of one study.

    film         the first frontal film that a worker could read, else the first it could read; None before there is one
    model        SHA-256 of the weights behind the latest decision; None before there is one
    outcome      of the report that stands; None without one, and where it was reported elsewhere and not how
    reported_by  whose report that is
    """

    film: str | None = None
    model: str | None = None
    outcome: str | None = None
    reported_by: str | None = None


def row_facts(connection: Connection, rows: Sequence[Found]) -> dict[int, RowFacts]:
    """The facts by study, for studies as they are stored."""
    numbers = [row.id for row in rows]
    shown = _films(connection, numbers)
    models = _models(connection, [row.id for row in rows if row.score is not None])
    said = _reports(connection, [row.id for row in rows if row.shelf == "reported"])
    return {
        number: RowFacts(
            film=shown.get(number),
            model=models.get(number),
            outcome=said.get(number, _NOTHING)[0],
            reported_by=said.get(number, _NOTHING)[1],
        )
        for number in numbers
    }


def _films(connection: Connection, numbers: list[int]) -> dict[int, str]:
    if not numbers:
        return {}
    query = (
        select(films.c.study_id, films.c.public_id, films.c.view_position)
        .where(films.c.study_id.in_(numbers), films.c.look.is_not(None))
        .order_by(films.c.id)
    )
    first: dict[int, str] = {}
    frontal: dict[int, str] = {}
    for film in connection.execute(query):
        first.setdefault(film.study_id, film.public_id)
        if not is_lateral(film.view_position):
            frontal.setdefault(film.study_id, film.public_id)
    return first | frontal


def _models(connection: Connection, numbers: list[int]) -> dict[int, str]:
    if not numbers:
        return {}
    latest = select(func.max(decisions.c.id)).where(decisions.c.study_id.in_(numbers)).group_by(decisions.c.study_id)
    query = select(decisions.c.study_id, decisions.c.model).where(decisions.c.id.in_(latest))
    return {decision.study_id: decision.model for decision in connection.execute(query)}


def _reports(connection: Connection, numbers: list[int]) -> dict[int, tuple[str | None, str | None]]:
    if not numbers:
        return {}
    query = (
        select(reports.c.study_id, reports.c.reader, reports.c.outcome)
        .where(reports.c.study_id.in_(numbers), reports.c.undone_us.is_(None))
        .order_by(reports.c.id)
    )
    return {said.study_id: (said.outcome, said.reader) for said in connection.execute(query)}  # the last of each stands
