"""Backups: write a worklist to a folder, also while studies are erased, and make a worklist from the folder again.

A backup contains the tables of one moment as JSON lines, every film and map checked by its hash, and the key of the
site. The format is the same for both types of database, so that a store can also move from SQLite to PostgreSQL or
back. The store can be written to meanwhile: tables are read in one snapshot, and films never change. A backup must not
keep studies that were erased meanwhile, such as those that are removed by age every hour: the tables are then written
once more, and only new files are copied. Sessions are left out, and so are renditions, which are derived. The folder is
as secret as the store: it has the films and the key.

`restore` needs an empty folder or an empty PostgreSQL database. Backups in one folder have their date and time as
names, and only the newest are kept; this is for a timer.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, func, inspect, select, text
from sqlalchemy.exc import NoSuchTableError

from unseen.artifacts import LIMITS, number_of, replacing_folder, write_text
from unseen_server.worklist import audit, audit_head, schema
from unseen_server.worklist.audit_head import keep_head
from unseen_server.worklist.belonging import KEY, MARKER, check_file, settle
from unseen_server.worklist.database import PATIENCE_S, Database
from unseen_server.worklist.opening import locate
from unseen_server.worklist.pseudonyms import site_key, write_site_key
from unseen_server.worklist.states import BusyError, NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_files import ContentFolder, write_flushed
from unseen_server.worklist.tables import attachments, films, findings, metadata, sessions

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store


FORMAT = 1
MANIFEST = "backup.json"
_CHUNK_BYTES = 1 << 20
_ROWS = 2_000
_PASSES = 10


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Content of a backup, or of a restored store.

    >>> Saved(studies=1, films=2, maps=2, damaged=(), audit=None).films
    2

    Args:
        studies: number of studies.
        films: number of films.
        maps: number of maps.
        damaged: digests of films and maps whose file is missing or differs from the received one.
        audit: fault that `AuditTrail.verify` found in the trail; None: no fault.
    """

    studies: int
    films: int
    maps: int
    damaged: tuple[str, ...]
    audit: str | None


def back_up(store: Store, to: Path | str) -> Saved:
    """Write a backup into a new folder; it appears whole or not at all.

    Args:
        store: the store; it may be in use.
        to: the new folder.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/site") as store:
    ...     saved = back_up(store, f"{folder}/backup")
    ...     restore(f"{folder}/backup", f"{folder}/other") == saved
    True

    Raises NotAllowedError where `to` holds something, and where the tables know fewer than half of the films in the
    folder, as those of another database would; BusyError where studies were erased in every pass.
    """
    to = Path(to)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise NotAllowedError(f"{to}: is there already. Give each backup a folder of its own.")
    to.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(to) as temporary:
        temporary.chmod(0o700)
        (temporary / "tables").mkdir()
        for _ in range(_PASSES):
            found, damaged = _write_pass(store, temporary)
            if _is_current(store, found, damaged):
                break
        else:
            raise BusyError(
                f"Studies were erased in each of {_PASSES} passes, so the backup was given up. Make it again later."
            )
        write_site_key(temporary / KEY, store.names.key)
        manifest = {
            "format": FORMAT,
            "revision": found.revision,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "tables": found.tables,
            "damaged": damaged,
            "limits": LIMITS,
        }
        write_text(temporary / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return Saved(
        studies=found.tables["studies"]["rows"],
        films=len(found.films),
        maps=len(found.maps),
        damaged=tuple(damaged),
        audit=found.audit,
    )


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """Tables of one moment as they were written: rows and digest of each, and the digests of the files they name."""

    revision: str | None
    tables: dict[str, dict[str, Any]]  # Any: JSON
    films: list[str]
    maps: list[str]
    audit: str | None


def _write_pass(store: Store, temporary: Path) -> tuple[_Moment, list[str]]:
    """Write the tables as they are now, and copy the files that they name and an earlier pass has not copied.

    Returns:
        The tables, and the digests of damaged files.
    """
    before = {digest for part in store.site.films.digests() for digest in part}
    with store.database.reading() as connection:
        found = _Moment(
            revision=schema.revision(connection),
            tables={
                table.name: _write_table(connection, table, temporary / "tables" / f"{table.name}.jsonl")
                for table in metadata.sorted_tables
                if table is not sessions
            },
            films=sorted(_received(connection)),
            maps=sorted(_maps(connection)),
            audit=audit.first_break(connection, {}),
        )
    _check_films_known(store, before, found.films)
    damaged: list[str] = []
    for kind, folder, digests in (("films", store.site.films, found.films), ("maps", store.site.maps, found.maps)):
        target = ContentFolder(temporary / kind)
        copied = {digest for part in target.digests() for digest in part}
        for digest in copied.difference(digests):  # erased since an earlier pass
            target.remove(digest)
        damaged += _copy(folder, target, [digest for digest in digests if digest not in copied])
    return found, damaged


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
    """Write a line of column names, then a line a row, in the order of the primary key.

    Return rows and digest of the file.
    """
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


def _received(connection: Connection) -> set[str]:
    """Return the digests of all files that were received: films, and what is kept with their studies."""
    return {
        digest
        for column in (films.c.sha256, attachments.c.sha256)
        for digest in connection.execute(select(column)).scalars()
    }


def _maps(connection: Connection) -> set[str]:
    """Return the digests of all anomaly maps."""
    return {digest for digest in connection.execute(select(findings.c.map_sha256)).scalars() if digest is not None}


def _check_films_known(store: Store, there: set[str], digests: list[str]) -> None:
    """Check that the tables know most of the films that existed before the tables were read.

    Some may be unknown: one that was coming in, or whose receiving was cut off.
    """
    if len(strangers := there.difference(digests)) > len(there) / 2:
        raise NotAllowedError(
            f"{store.home}: holds {number_of(len(strangers), 'film')} that the tables of {store.database.name} do not "
            f"know; the tables know {len(digests)}. Correct UNSEEN_URL: they are the tables of another worklist. "
            "Nothing was saved."
        )


def _is_current(store: Store, found: _Moment, damaged: list[str]) -> bool:
    """Return True if no study was erased since the tables were written, and no missing file was removed since."""
    with store.database.reading() as connection:
        there = _received(connection)
        return there.issuperset(found.films) and (there | _maps(connection)).issuperset(damaged)


def restore(folder: Path | str, where: str | Path, *, films_folder: str | Path | None = None) -> Saved:
    """Bring a backup back, into an empty place; `back_up` shows it.

    >>> restore("no-backup", "anywhere")
    Traceback (most recent call last):
        ...
    unseen_server.worklist.states.NotFoundError: no-backup: there is no backup here (backup.json is missing).

    Args:
        folder: the backup.
        where: the empty place, as for `Store.open`.
        films_folder: as for `Store.open`.

    Every table and file is checked by its digest. Films that the backup itself lacks stay missing, and are named.
    Raises WorklistError: no sound backup, one of a later version, a place that is not empty, or that holds films that
    the backup does not know: the next start would remove them.
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
    if isinstance(target, Path) and (home / MARKER).exists():
        check_file(home, target)
    if isinstance(target, Path) and not target.exists():  # before a connection makes it
        _check_no_further_films(folder, home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(target, patience_s=PATIENCE_S)
    try:
        _check_empty(database)
        _check_no_further_films(folder, home)
        if kept is None:
            write_site_key(home / KEY, key)
        counts, damaged = _copy_files(folder, home)
        schema.upgrade(database, to=manifest["revision"])
        with database.writing() as connection:
            for name, said in manifest["tables"].items():
                _load(connection, folder / "tables" / f"{name}.jsonl", name, said)
        schema.upgrade(database)
        settle(database, None if isinstance(target, Path) else target, home)
        with database.reading() as connection:
            head, broken = audit.head(connection), audit.first_break(connection, {})
        (home / audit_head.HEAD).unlink(missing_ok=True)  # of what was here before: its end may be a later one
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
        sound = sound and isinstance(manifest["damaged"], list)
        sound = sound and all(isinstance(table["sha256"], str) for table in manifest["tables"].values())
        number = manifest["format"]
    except FileNotFoundError:
        raise NotFoundError(f"{folder}: there is no backup here ({MANIFEST} is missing).") from None
    except (ValueError, KeyError, TypeError):
        sound, number = False, FORMAT
    if not sound:
        raise WorklistError(f"{path}: not the list of a backup's contents. Copy the backup again.")
    if number != FORMAT:
        raise WorklistError(f"{path}: format {number}; this version reads {FORMAT}. Update unseen.")
    _check_revision(path, manifest["revision"])
    return dict(manifest)


def _check_revision(path: Path, revision: str) -> None:
    """Refuse a backup whose tables this version cannot upgrade, before anything is written."""
    if schema.is_too_old(revision):
        raise WorklistError(
            f"{path}: the schema is revision {revision}, of a version before 0.2. "
            "Restore it with unseen 0.2, then back up with this version."
        )
    if not schema.is_known(revision):
        raise WorklistError(
            f"{path}: the schema is revision {revision}, and this version of unseen knows up to {schema.newest()}. "
            "Update unseen."
        )


def _check_empty(database: Database) -> None:
    with database.reading() as connection:
        if inspect(connection).has_table("settings"):
            settings = _table(connection, "settings")
            if connection.execute(select(func.count()).select_from(settings)).scalar_one():
                raise NotAllowedError(f"{database.name}: holds a worklist already. Restore into an empty place.")


def _check_no_further_films(folder: Path, home: Path) -> None:
    known = {digest for part in ContentFolder.digests_in(folder / "films") for digest in part}
    there = {digest for part in ContentFolder.digests_in(home / "films") for digest in part}
    if further := there - known:
        raise NotAllowedError(
            f"{home / 'films'}: holds {number_of(len(further), 'film')} that the backup does not know, and a restored "
            "worklist would remove them. Restore into an empty folder; films of this one can be received there again."
        )


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
    """Fill one table, as it is at the backup's revision.

    Raises:
        WorklistError: the backup has a table, a column or a line that a backup of its revision does not have.
    """
    lines = _checked_lines(path, said["sha256"])
    try:
        table = _table(connection, name)
        columns = next(lines, None)
        if not columns:
            raise ValueError("no columns")
        _fill(connection, table, columns, lines)
    except (NoSuchTableError, KeyError, TypeError, ValueError) as error:  # ValueError: no JSON, a line too short
        raise WorklistError(
            f"{path}: not a table of a backup ({type(error).__name__}: {error}). Copy the backup again, or use another."
        ) from error


def _table(connection: Connection, name: str) -> Table:
    """Return a table with the columns that it has in the database, without keys and indexes."""
    found = inspect(connection).get_columns(name)
    return Table(name, MetaData(), *(Column(one["name"], one["type"]) for one in found))


def _fill(connection: Connection, table: Table, columns: list[Any], lines: Iterator[list[Any]]) -> None:
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
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                f"greatest(1, (SELECT max(id) FROM {table.name})), EXISTS (SELECT 1 FROM {table.name}))"
            )
        )


def _checked_lines(path: Path, sha256: str) -> Iterator[list[Any]]:
    """Yield the lines of a table's file; the digest is compared before the first is believed."""
    try:
        with path.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
        if seen != sha256:
            raise WorklistError(f"{path}: SHA-256 is {seen[:16]}…, the backup lists {sha256[:16]}…: altered since.")
        with path.open(encoding="utf-8") as text_file:
            for line in text_file:
                yield json.loads(line)
    except FileNotFoundError:
        raise WorklistError(f"{path}: missing from the backup. Copy the backup again.") from None


_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
_LEFT = re.compile(rf"\.{_NAME.pattern}\.[0-9a-f]{{8}}\.tmp")
"""Names of what `replacing_folder` has not finished."""


@dataclass(frozen=True, kw_only=True)
class Dated:
    """The new backup, and the older ones that were removed."""

    path: Path
    saved: Saved
    removed: tuple[Path, ...]


def back_up_dated(store: Store, folder: Path | str, *, keep: int, now: datetime | None = None) -> Dated:
    """Write a backup into `folder`, named by date and time (UTC), and remove older ones.

    Args:
        store: the store; it may be in use.
        folder: holds the backups; it is made where it is missing.
        keep: how many backups remain, with the new one; others are removed. Only backups that this function named are
            counted and removed, and none where the new one has damage.
        now: None: the machine's time.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/site") as store:
    ...     days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    ...     done = [back_up_dated(store, f"{folder}/backups", keep=2, now=day) for day in days]
    >>> done[-1].path.name, [path.name for path in done[-1].removed]
    ('2026-01-03T000000Z', ['2026-01-01T000000Z'])

    What a run that was killed left in the folder is removed first, unless another run writes into the folder now.

    Raises what `back_up` raises: no backup is removed then.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    with _alone_in(folder) as alone:
        if alone:
            for left in [one for one in folder.iterdir() if _LEFT.fullmatch(one.name)]:
                shutil.rmtree(left)
        saved = back_up(store, path)
        removed = () if saved.damaged or saved.audit else tuple(_earlier(folder, path)[: -keep + 1 or None])
        for old in removed:
            shutil.rmtree(old)
    return Dated(path=path, saved=saved, removed=removed)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """Yield True if no other run writes dated backups into the folder until the block ends, as far as can be known."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another run, or a file system that locks no folders
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _earlier(folder: Path, new: Path) -> list[Path]:
    """Return the backups before `new`, oldest first."""
    named = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.name < new.name)
    return [path for path in named if (path / MANIFEST).is_file()]
