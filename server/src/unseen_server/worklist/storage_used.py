"""Disk space that a worklist takes, by the type of file."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unseen_server.worklist.site import Site

Kept = Literal["films", "maps", "renditions", "database"]


@dataclass(frozen=True, kw_only=True)
class StoragePart:
    """One part of what is stored.

    Args:
        kind: films: as they were received; maps: anomaly maps; renditions: thumbnails and what models saw, derived from
            films; database: the tables.
        files: how many; None where they are none of ours (a database server).
    """

    kind: Kept
    files: int | None
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Storage:
    """All parts, and the disk that the folder lies on."""

    parts: tuple[StoragePart, ...]
    free_bytes: int
    total_bytes: int


def measure(site: Site) -> Storage:
    """Measure the sizes now. Each file is looked at: with a million of them this takes some seconds."""
    parts = [
        _folder("films", site.films.path),
        _folder("maps", site.maps.path),
        _folder("renditions", site.renditions.path),
    ]
    disk = shutil.disk_usage(site.home)
    return Storage(parts=(*parts, _database(site)), free_bytes=disk.free, total_bytes=disk.total)


def _folder(kind: Kept, path: Path) -> StoragePart:
    sizes = list(_sizes(path))
    return StoragePart(kind=kind, files=len(sizes), bytes=sum(sizes))


def _sizes(path: Path | str) -> Iterator[int]:
    """Yield the size of every file, in bytes, below `path`; what goes meanwhile is passed over."""
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


def _database(site: Site) -> StoragePart:
    if not site.database.is_sqlite:
        with site.database.reading() as connection:
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return StoragePart(kind="database", files=None, bytes=int(size))
    sizes = [path.stat().st_size for path in site.home.glob("worklist.sqlite*")]
    return StoragePart(kind="database", files=len(sizes), bytes=sum(sizes))
