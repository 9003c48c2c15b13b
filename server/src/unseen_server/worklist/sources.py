"""Sources of the worklist: studies, films and bytes that each has sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, bindparam, func, select

from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import films, studies

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site


_FIRST: Final = select(films.c.source).where(films.c.study_id == bindparam("study")).order_by(films.c.id).limit(1)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Source with what it has sent, and what of it waits for a reader."""

    name: str
    studies: int
    films: int
    bytes: int
    waiting: int
    latest: datetime


def by_source(site: Site) -> list[Source]:
    """Return the sources, by name. A study counts for the source of its first film, a film for its own."""
    with site.database.reading() as connection:
        of_films = connection.execute(
            select(
                films.c.source,
                func.count().label("films"),
                func.sum(films.c.bytes).label("bytes"),
                func.max(films.c.received_us).label("latest_us"),
            )
            .group_by(films.c.source)
            .order_by(films.c.source)
        ).all()
        by_shelf = connection.execute(
            select(studies.c.source, studies.c.shelf, func.count().label("studies")).group_by(
                studies.c.source, studies.c.shelf
            )
        ).all()
    return [
        Source(
            name=row.source,
            studies=sum(one.studies for one in by_shelf if one.source == row.source),
            films=row.films,
            bytes=int(row.bytes),
            waiting=sum(one.studies for one in by_shelf if (one.source, one.shelf) == (row.source, "to_read")),
            latest=moment(row.latest_us),
        )
        for row in of_films
    ]


def first_source(connection: Connection, study: int) -> str | None:
    """Return the source of a study's first film, which is the study's; None if it has no film."""
    return connection.execute(_FIRST, {"study": study}).scalar()
