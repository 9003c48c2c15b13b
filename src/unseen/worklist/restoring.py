"""A backup becomes a store again: in an empty folder or an empty PostgreSQL database, whichever it came from."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, inspect, select, text

from unseen.worklist import audit, schema
from unseen.worklist.backup import FORMAT, MANIFEST, Saved, copy_checked
from unseen.worklist.content import ContentFolder
from unseen.worklist.database import PATIENCE_S, Database
from unseen.worklist.errors import NotAllowedError, NotFoundError, WorklistError
from unseen.worklist.opening import KEY, keep_head, locate
from unseen.worklist.pseudonyms import site_key, write_site_key

_ROWS = 2_000


def restore(folder: Path | str, where: str | Path, *, films_folder: str | Path | None = None) -> Saved:
    """Bring the backup at `folder` back, into an empty place; arguments as for `Store.open`.

    Every table and file is checked by its digest. Films that the backup itself lacks stay missing, and are named.
    Raises WorklistError: no sound backup, one of a later version, a place that is not empty.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    key = site_key(folder / KEY)
    if key is None:
        raise WorklistError(f"{folder / KEY}: missing, so no patient in the backup could be found again.")
    target, home = locate(where, films_folder)
    if (kept := site_key(home / KEY)) not in (None, key):
        raise NotAllowedError(
            f"{home}: holds another store (its {KEY} is not the backup's). Restore into an empty place."
        )
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(target, patience_s=PATIENCE_S)
    try:
        _check_empty(database)
        if kept is None:
            write_site_key(home / KEY, key)
        counts, damaged = _copy_files(folder, home)
        schema.upgrade(database, to=manifest["revision"])
        with database.writing() as connection:
            for name, said in manifest["tables"].items():
                _load(connection, folder / "tables" / f"{name}.jsonl", name, said)
        schema.upgrade(database)
        with database.reading() as connection:
            head, broken = audit.head(connection), audit.broken(connection, {})
        keep_head(home, head)
    finally:
        database.close()
    return Saved(
        studies=manifest["tables"]["studies"]["rows"],
        films=counts["films"],
        maps=counts["maps"],
        damaged=tuple(sorted({*damaged, *manifest["damaged"]})),
        audit=broken,
    )


def _manifest(folder: Path) -> dict[str, Any]:  # Any: JSON
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        sound = isinstance(manifest["revision"], str) and isinstance(manifest["tables"]["studies"]["rows"], int)
        number = manifest["format"]
    except FileNotFoundError:
        raise NotFoundError(f"{folder}: there is no backup here ({MANIFEST} is missing).") from None
    except (ValueError, KeyError, TypeError):
        sound, number = False, FORMAT
    if not sound:
        raise WorklistError(f"{path}: not the list of a backup's contents. Copy the backup again.")
    if number != FORMAT:
        raise WorklistError(f"{path}: format {number}; this version reads {FORMAT}. Update unseen.")
    return dict(manifest)


def _check_empty(database: Database) -> None:
    with database.reading() as connection:
        if inspect(connection).has_table("settings"):
            settings = Table("settings", MetaData(), autoload_with=connection)
            if connection.execute(select(func.count()).select_from(settings)).scalar_one():
                raise NotAllowedError(f"{database.name}: holds a worklist already. Restore into an empty place.")


def _copy_files(folder: Path, home: Path) -> tuple[dict[str, int], list[str]]:
    """Copy films and maps; how many of each, and the digests of damaged ones."""
    counts, damaged = {}, []
    for kind in ("films", "maps"):
        source, target = ContentFolder(folder / kind), ContentFolder(home / kind)
        found = [digest for digests in source.digests() for digest in digests]
        damaged += [digest for digest in found if not copy_checked(source.of(digest), target, digest)]
        counts[kind] = len(found)
    return counts, damaged


def _load(connection: Connection, path: Path, name: str, said: dict[str, Any]) -> None:
    """Fill one table, as it is at the backup's revision."""
    table = Table(name, MetaData(), autoload_with=connection)
    lines = _checked_lines(path, said["sha256"])
    columns = next(lines)
    binary = [name for name in columns if isinstance(table.columns[name].type, LargeBinary)]
    rows: list[dict[str, Any]] = []
    for values in lines:
        row = dict(zip(columns, values, strict=True))
        row |= {name: base64.b64decode(row[name]) for name in binary if row[name] is not None}
        rows.append(row)
        if len(rows) == _ROWS:
            connection.execute(table.insert(), rows)
            rows.clear()
    if rows:
        connection.execute(table.insert(), rows)
    if connection.dialect.name == "postgresql" and "id" in table.columns:
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), greatest(1, (SELECT max(id) FROM {name})), "
                f"EXISTS (SELECT 1 FROM {name}))"
            )
        )


def _checked_lines(path: Path, sha256: str) -> Iterator[list[Any]]:
    """The lines of a table's file; the digest is compared before the first is believed."""
    try:
        with path.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
        if seen != sha256:
            raise WorklistError(f"{path}: SHA-256 is {seen[:16]}…, the backup says {sha256[:16]}…: altered since.")
        with path.open(encoding="utf-8") as text_file:
            for line in text_file:
                yield json.loads(line)
    except FileNotFoundError:
        raise WorklistError(f"{path}: missing from the backup. Copy the backup again.") from None
