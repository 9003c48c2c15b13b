"""Checks for damage of a store: a database that is empty, damaged, or belongs to other files than those next to it.

Without these checks, an emptied database would get a new schema, and the next sweep would remove every film of the
folder, since no row names it. The checks repair nothing and change no file: each raises DamagedError with the cause and
the remedy.
"""

from __future__ import annotations

import functools
import itertools
import os
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import Connection, inspect, select, text

from unseen.artifacts import number_of
from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.database import Database
from unseen_server.worklist.states import DamagedError
from unseen_server.worklist.stored_files import ContentFolder
from unseen_server.worklist.tables import attachments, audit, films, metadata

Check = Literal["tables", "database", "files"]
"""Scope of the checks. tables: every table exists; database: also SQLite's pages; files: also films and audit trail.

`tables` takes milliseconds and runs at each opening. `database` reads the whole file.
"""
_UNDER_WAY: Final = 64
"""Largest usual number of films without a row: films that are being received, and films of a killed process."""
_BATCH: Final = 10_000
"""Number of digests that are read from the database at once."""
_DIGESTS: Final = select(films.c.sha256).union(select(attachments.c.sha256)).order_by("sha256")
_LONGEST: Final = 160
_COLUMNS: Final = {
    "sqlite": (
        "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    ),
    "postgresql": (
        "SELECT t.relname, c.attname FROM pg_attribute AS c JOIN pg_class AS t ON t.oid = c.attrelid "
        "WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') "
        "AND c.attnum > 0 AND NOT c.attisdropped"
    ),
}


def check_size(database: Database, file: Path, home: Path) -> None:
    """Raise DamagedError for an SQLite file of 0 bytes next to films, before a connection writes its header."""
    if file.exists() and not file.stat().st_size and has_films(home):
        raise DamagedError(f"{database.name}: the database is empty (0 bytes), and {films_in(home)}. {database.remedy}")


def check_new(database: Database, connection: Connection, home: Path) -> None:
    """Raise DamagedError for a database without a schema revision that has tables or is next to films."""
    if known := {table.name for table in metadata.sorted_tables}.intersection(inspect(connection).get_table_names()):
        raise DamagedError(
            f"{database.name}: it has {len(known)} tables of a worklist, but no schema revision. {database.remedy}"
        )
    if has_films(home):
        raise DamagedError(f"{database.name}: the database has no tables, and {films_in(home)}. {database.remedy}")


def columns(connection: Connection) -> set[tuple[str, str]]:
    """Return the tables of the database and their columns, by name."""
    return {(table, column) for table, column in connection.exec_driver_sql(_COLUMNS[connection.dialect.name]).all()}


def check_tables(database: Database, there: set[tuple[str, str]]) -> None:
    """Raise DamagedError if a table or a column of the newest schema is not among the database's `columns`."""
    if missing := sorted(".".join(place) for place in _wanted() - there):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DamagedError(f"{database.name}: {', '.join(missing[:3])}{more} missing. {database.remedy}")


@functools.cache
def _wanted() -> frozenset[tuple[str, str]]:
    """Return the tables and columns of the newest schema."""
    return frozenset((table.name, column.name) for table in metadata.sorted_tables for column in table.columns)


def check_pages(database: Database) -> None:
    """Raise DamagedError if SQLite's quick_check finds a damaged page; PostgreSQL checks pages when it reads them."""
    if not database.is_sqlite:
        return
    with database.reading() as connection:
        found = [str(line) for line in connection.execute(text("PRAGMA quick_check(3)")).scalars()]
    if found != ["ok"]:
        report = " ".join(" ".join(found).split())[:_LONGEST]
        raise DamagedError(f"{database.name}: the database is damaged (quick_check: {report}). {database.remedy}")


def check_trail(database: Database, path: Path, kept: AuditHead | None) -> None:
    """Raise DamagedError if the audit trail does not contain the row that the folder's head at `path` names.

    The head is written after its row is on the disk, so a shorter trail belongs to an older copy of the database.
    """
    if kept is None or not kept.seq:
        return
    with database.reading() as connection:
        last = connection.execute(select(audit.c.seq).order_by(audit.c.seq.desc()).limit(1)).scalar_one_or_none() or 0
        same = connection.execute(select(audit.c.hash).where(audit.c.seq == kept.seq)).scalar_one_or_none()
    if last < kept.seq:
        raise DamagedError(
            f"{database.name}: its audit trail ends at row {last}, and {path} knows row {kept.seq}: this is an older "
            f"copy of the database, or an emptied one. Bring the newest back. Without it: {_small(database.remedy)}"
        )
    if same != kept.hash:
        raise DamagedError(
            f"{database.name}: row {kept.seq} of its audit trail is not the one that {path} knows: this is another "
            f"database, or the trail was rewritten. Bring the folder's own back. Without it: {_small(database.remedy)}"
        )


def check_films(database: Database, home: Path) -> None:
    """Raise DamagedError if most films of the folder are unknown to the tables, or most known films are missing."""
    there = known = unknown = missing = 0
    without_rows = {f"{number:02x}" for number in range(256)}
    with database.reading() as connection:
        digests = connection.execute(_DIGESTS.execution_options(yield_per=_BATCH)).scalars()
        for first, of_subfolder in itertools.groupby(digests, key=lambda digest: digest[:2]):
            files, rows = _files(home, first), set(of_subfolder)
            there, known = there + len(files), known + len(rows)
            unknown, missing = unknown + len(files - rows), missing + len(rows - files)
            without_rows.discard(first)
    for first in without_rows:
        count = len(_files(home, first))
        there, unknown = there + count, unknown + count
    if unknown > max(there / 2, _UNDER_WAY):
        raise DamagedError(
            f"{database.name}: {home / 'films'} holds {there:,} files, and the tables do not know {unknown:,} of them: "
            f"this is an older copy of the database, or another one. {database.remedy}"
        )
    if missing > known / 2:
        raise DamagedError(
            f"{home / 'films'}: {missing:,} of the {known:,} films that the tables know are missing. Mount the folder "
            f"that holds them. If they are lost: {_small(database.remedy)}"
        )


def has_films(home: Path) -> bool:
    """Return True if the folder contains a film."""
    return any(ContentFolder.digests_in(home / "films"))


def films_in(home: Path) -> str:
    """Return the number of films of the folder, in words.

    >>> films_in(Path("no-such-folder"))
    'no-such-folder/films holds 0 films'
    """
    count = sum(map(len, ContentFolder.digests_in(home / "films")))
    return f"{home / 'films'} holds {number_of(count, 'film')}"


def first_line(error: object) -> str:
    """Return the first line of a driver's message.

    >>> first_line("no such table: films\\nSQL: …")
    'no such table: films'
    """
    return (str(error).strip().splitlines() or [""])[0][:_LONGEST]


def _files(home: Path, first: str) -> set[str]:
    """Return the names in one subfolder; an empty set if it is missing."""
    try:
        return set(os.listdir(home / "films" / first))
    except FileNotFoundError:
        return set()


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
