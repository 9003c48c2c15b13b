"""Reference scores of a model: those of films that readers reported normal here."""

from typing import Any

from sqlalchemy import Connection, Select, select

from unseen.artifacts import ReferenceNormals
from unseen_server.worklist.comparable_films import is_reference
from unseen_server.worklist.labels import standing
from unseen_server.worklist.tables import films, findings

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


def reference(connection: Connection, model: str, *, source: str | None) -> ReferenceNormals:
    """See `Findings.reference`."""
    whose = "normals of this site" if source is None else f"normals of {source}"
    query = normal_films(findings.c.score).join(
        findings, (findings.c.film_id == films.c.id) & (findings.c.model == model)
    )
    query = query.where(findings.c.score.is_not(None))
    if source is not None:
        query = query.where(films.c.source == source)
    return ReferenceNormals.of(list(connection.execute(query).scalars()), whose)
