"""What a worklist takes of the disk, by what it is kept for, and what each source has sent."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select, text

from unseen_server.worklist.listing import moment
from unseen_server.worklist.tables import films, studies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unseen_server.worklist.site import Site

Kept = Literal["films", "maps", "renditions", "database"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of what is stored.

    kind   films: as they were received; maps: anomaly maps; renditions: thumbnails and what models saw, derived from
           films; database: the tables
    files  how many; None where they are none of ours (a database server)
    """

    kind: Kept
    files: int | None
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Storage:
    """All parts, and the disk that the folder lies on."""

    parts: tuple[Part, ...]
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a source has sent, and what of it waits for a reader."""

    name: str
    studies: int
    films: int
    bytes: int
    waiting: int
    latest: datetime


def measure(site: Site) -> Storage:
    """The sizes now. Looks at each file: with a million of them this takes some seconds."""
    parts = [
        _folder("films", site.films.path),
        _folder("maps", site.maps.path),
        _folder("renditions", site.renditions.path),
    ]
    disk = shutil.disk_usage(site.home)
    return Storage(parts=(*parts, _database(site)), free_bytes=disk.free, total_bytes=disk.total)


def by_source(site: Site) -> list[Source]:
    """The sources, by name. A study counts for the source of its first film, a film for its own."""
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


def _folder(kind: Kept, path: Path) -> Part:
    sizes = list(_sizes(path))
    return Part(kind=kind, files=len(sizes), bytes=sum(sizes))


def _sizes(path: Path | str) -> Iterator[int]:
    """Bytes of every file below `path`; what goes meanwhile is passed over."""
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes(entry.path)
        else:
            try:
                yield entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue


def _database(site: Site) -> Part:
    if not site.database.is_sqlite:
        with site.database.reading() as connection:
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return Part(kind="database", files=None, bytes=int(size))
    sizes = [path.stat().st_size for path in site.home.glob("worklist.sqlite*")]
    return Part(kind="database", files=len(sizes), bytes=sum(sizes))
