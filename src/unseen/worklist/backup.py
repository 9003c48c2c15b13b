"""A backup is a folder: the tables of one moment as JSON lines, every film and map checked by its hash, the site's key.

It is one format for both kinds of database, so that a store can also move from SQLite to PostgreSQL or back. Writers go
on meanwhile: tables are read in one snapshot, and films never change. Sessions are left out, and renditions, which are
derived. The folder is as secret as the store: it holds the films and the key.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, select

from unseen.artifacts.files import replacing_folder, write_text
from unseen.artifacts.installation import LIMITS
from unseen.worklist import audit, schema
from unseen.worklist.content import ContentFolder, write_flushed
from unseen.worklist.errors import BusyError, NotAllowedError
from unseen.worklist.opening import KEY
from unseen.worklist.pseudonyms import write_site_key
from unseen.worklist.tables import films, findings, metadata, sessions

if TYPE_CHECKING:
    from unseen.worklist.store import Store

FORMAT = 1
MANIFEST = "backup.json"
_CHUNK_BYTES = 1 << 20
_ROWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a backup, or a restored store, holds.

    damaged  films and maps whose file is missing or not what was received, by digest
    audit    what `verify_audit` says of the trail; None where it is whole
    """

    studies: int
    films: int
    maps: int
    damaged: tuple[str, ...]
    audit: str | None


def back_up(store: Store, to: Path | str) -> Saved:
    """Write a backup into the new folder `to`; it appears whole or not at all.

    Raises NotAllowedError where `to` holds something; BusyError where a study was erased meanwhile, for a backup must
    not keep it.
    """
    to = Path(to)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise NotAllowedError(f"{to}: is there already. Give each backup a folder of its own.")
    to.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(to) as temporary:
        temporary.chmod(0o700)
        (temporary / "tables").mkdir()
        with store.database.reading() as connection:
            revision = schema.revision(connection)
            tables = {
                table.name: _write_table(connection, table, temporary / "tables" / f"{table.name}.jsonl")
                for table in metadata.sorted_tables
                if table is not sessions
            }
            digests = {
                "films": list(connection.execute(select(films.c.sha256).order_by(films.c.sha256)).scalars()),
                "maps": sorted(set(connection.execute(select(findings.c.map_sha256)).scalars()) - {None}),
            }
            broken = audit.broken(connection, {})
        damaged = [
            digest
            for kind, folder in (("films", store.films), ("maps", store.maps))
            for digest in _copy(folder, ContentFolder(temporary / kind), digests[kind])
        ]
        _check_none_erased(store, digests["films"])
        write_site_key(temporary / KEY, store.names.key)
        manifest = {
            "format": FORMAT,
            "revision": revision,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "tables": tables,
            "damaged": damaged,
            "limits": LIMITS,
        }
        write_text(temporary / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return Saved(
        studies=tables["studies"]["rows"],
        films=len(digests["films"]),
        maps=len(digests["maps"]),
        damaged=tuple(damaged),
        audit=broken,
    )


def copy_checked(source: Path, folder: ContentFolder, digest: str) -> bool:
    """Copy one file into `folder`, unless its bytes are not those of `digest` or it is missing: then False."""
    temporary = folder.temporary()
    seen = hashlib.sha256()

    def chunks() -> Iterator[bytes]:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                seen.update(chunk)
                yield chunk

    try:
        write_flushed(temporary, chunks())
        if seen.hexdigest() != digest:
            return False
        folder.place(temporary, digest)
        return True
    except FileNotFoundError:
        return False
    finally:
        temporary.unlink(missing_ok=True)


def _write_table(connection: Connection, table: Table, path: Path) -> dict[str, Any]:  # Any: JSON
    """A line of column names, then a line a row, in the order of the primary key; rows and digest of the file."""
    count, digest = 0, hashlib.sha256()
    rows = connection.execution_options(yield_per=_ROWS).execute(select(table).order_by(*table.primary_key.columns))
    with path.open("wb") as file:
        for values in _lines([column.name for column in table.columns], rows):
            line = (json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n").encode()
            file.write(line)
            digest.update(line)
            count += 1
    return {"rows": count - 1, "sha256": digest.hexdigest()}


def _lines(columns: list[str], rows: Iterable[Any]) -> Iterator[list[Any]]:
    yield columns
    for row in rows:
        yield [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in row]


def _copy(source: ContentFolder, target: ContentFolder, digests: list[str]) -> list[str]:
    """Copy files; returns the digests of those that are damaged."""
    return [digest for digest in digests if not copy_checked(source.of(digest), target, digest)]


def _check_none_erased(store: Store, digests: list[str]) -> None:
    with store.database.reading() as connection:
        there = set(connection.execute(select(films.c.sha256)).scalars())
    if not there.issuperset(digests):
        raise BusyError("A study was erased while the backup was written, so it was given up. Make it again.")
