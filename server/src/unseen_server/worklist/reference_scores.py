"""Reference scores of a model: those of films that readers reported normal here, of patients who are new to the model.

A model's scores are too low on its training films, and on other films of their patients.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, select

from unseen.artifacts import ReferenceNormals
from unseen_server.worklist.comparable_films import is_reference
from unseen_server.worklist.labels import standing
from unseen_server.worklist.tables import films, findings, studies
from unseen_server.worklist.training_patients import patient_name, training_patients

LATEST = 2000
"""Normal studies that others are compared with: enough for a percentile, and of the site as it is now."""


def normal_films(*columns: Any) -> Select[Any]:  # Any: columns of whatever type
    """Select `columns` of the films of the `LATEST` studies that readers reported normal, without refused films."""
    normal = standing("normal").limit(LATEST).subquery()
    return (
        select(*columns)
        .select_from(normal)
        .join(films, films.c.study_id == normal.c.study_id)
        .where(films.c.received_us <= normal.c.made_us, is_reference())
    )


def reference(
    connection: Connection, model: str, *, source: str | None, training_films: Collection[str]
) -> ReferenceNormals:
    """See `Findings.reference`."""
    whose = "normals of this site" if source is None else f"normals of {source}"
    columns = (findings.c.score, films.c.pixel_sha256, studies.c.public_id, studies.c.patient, studies.c.issuer)
    query = (
        normal_films(*columns)
        .join(studies, studies.c.id == films.c.study_id)
        .join(findings, (findings.c.film_id == films.c.id) & (findings.c.model == model))
        .where(findings.c.score.is_not(None))
        .order_by(films.c.id)
    )
    if source is not None:
        query = query.where(films.c.source == source)
    taught = training_patients(connection, training_films)
    scores: dict[str | int, float] = {}  # a copy of a film counts once
    for number, row in enumerate(connection.execute(query)):
        if patient_name(row.public_id, row.patient, row.issuer) not in taught:
            scores.setdefault(row.pixel_sha256 or number, row.score)
    return ReferenceNormals.of(list(scores.values()), whose)
