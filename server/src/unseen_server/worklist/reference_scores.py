"""Reference scores of a model: those of films that readers reported normal here, of patients who are new to the model.

A model's scores are too low on its training films, and on other films of their patients.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, column, exists, select

from unseen.artifacts import ReferenceNormals
from unseen_server.worklist.comparable_films import is_reference
from unseen_server.worklist.labels import standing
from unseen_server.worklist.report_coverage import covers
from unseen_server.worklist.tables import films, findings, reports, studies
from unseen_server.worklist.training_patients import patient_name, training_patients

if TYPE_CHECKING:
    from unseen_server.worklist.transactions import Found

LATEST = 2000
"""Normal studies that others are compared with: enough for a percentile, and of the site as it is now."""
SOUGHT = 20_000
"""Latest normal reports among which these studies are sought, so that a model with few scores takes no longer."""


def normal_films(
    *columns: Any,  # Any: columns of whatever type
    conditions: Sequence[ColumnElement[bool]] = (),
    before: int | None = None,
) -> Select[Any]:
    """Select the films that count, of the `LATEST` studies reported normal that have such a film.

    They are sought among the `SOUGHT` latest reports. Films that the report does not cover, refused films and lateral
    films do not count.

    Args:
        columns: columns of `films` and of the subquery `normal`.
        conditions: further conditions under which a film counts.
        before: a report; the studies are those with an earlier one.
    """
    counts = (films.c.projection.is_distinct_from("lateral"), is_reference(), *conditions)
    reported = standing("normal") if before is None else standing("normal").where(reports.c.id < before)
    recent = reported.limit(SOUGHT).subquery("recent")
    of_study = (films.c.study_id == recent.c.study_id, covers(recent))
    chosen = select(recent).where(exists().where(*of_study, *counts).correlate(recent))
    normal = chosen.order_by(recent.c.report_id.desc()).limit(LATEST).subquery("normal")
    return (
        select(*columns)
        .select_from(normal)
        .join(films, films.c.study_id == normal.c.study_id)
        .where(covers(normal), *counts)
    )


def scored_by(model: str) -> ColumnElement[bool]:
    """Return the condition that the model gave a film a score; the film is a row of `films` in the query."""
    of_film = (findings.c.film_id == films.c.id, findings.c.model == model, findings.c.score.is_not(None))
    return exists().where(*of_film).correlate(films)


def reference(
    connection: Connection, model: str, *, source: str | None, training_films: Collection[str]
) -> ReferenceNormals:
    """See `Findings.reference`."""
    whose = "normals of this site" if source is None else f"normals of {source}"
    taught = training_patients(connection, training_films)
    kept: list[Found] = []
    counted: set[int] = set()
    for row in _latest_first(connection, model, source):
        if patient_name(row.public_id, row.patient, row.issuer) in taught:
            continue
        counted.add(row.study_id)
        if len(counted) > LATEST:
            break
        kept.append(row)
    scores: dict[str | int, float] = {}  # a copy of a film counts once
    for row in sorted(kept, key=lambda row: row.id):
        scores.setdefault(row.pixel_sha256 or row.id, row.score)
    return ReferenceNormals.of(list(scores.values()), whose)


def _latest_first(connection: Connection, model: str, source: str | None) -> Iterator[Found]:
    """Yield the films that count, study by study, the latest report first."""
    conditions = [scored_by(model)] if source is None else [scored_by(model), films.c.source == source]
    report, before = column("report_id", Integer), None
    while True:
        query = (
            normal_films(
                report, films.c.id, films.c.study_id, films.c.pixel_sha256, findings.c.score,
                studies.c.public_id, studies.c.patient, studies.c.issuer,
                conditions=conditions, before=before,
            )
            .join(studies, studies.c.id == films.c.study_id)
            .join(findings, (findings.c.film_id == films.c.id) & (findings.c.model == model))
            .order_by(report.desc(), films.c.id)
        )  # fmt: skip
        rows = connection.execute(query).all()
        yield from rows
        if len({row.report_id for row in rows}) < LATEST:
            return
        before = rows[-1].report_id
