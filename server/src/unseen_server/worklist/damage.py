"""Damage of a store: a database that is empty, damaged, or not the one of the files next to it.

Without these checks, a new schema would be made in an emptied database, and the next sweep would remove every film of
the folder, since no row names it. Nothing is repaired here and no file is changed: each check raises DamagedError with
the cause and the remedy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import Connection, inspect, select, text

from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.database import Database
from unseen_server.worklist.states import DamagedError
from unseen_server.worklist.stored_files import ContentFolder
from unseen_server.worklist.tables import attachments, audit, films, metadata

Check = Literal["tables", "database", "files"]
"""tables: that every table exists; database: and SQLite's pages; files: and the films, and the end of the audit trail.

The first costs milliseconds and is made at each opening. The second reads the whole file.
"""
_UNDER_WAY: Final = 64
"""Films without a row that a store may have at any moment: those that are coming in, and those of a killed process."""
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
    """Raise DamagedError for a database without a revision that is not a new one: with tables, or next to films."""
    if known := {table.name for table in metadata.sorted_tables}.intersection(inspect(connection).get_table_names()):
        raise DamagedError(
            f"{database.name}: has {len(known)} of our tables, and no revision of their schema. {database.remedy}"
        )
    if has_films(home):
        raise DamagedError(f"{database.name}: the database has no tables, and {films_in(home)}. {database.remedy}")


def check_tables(database: Database) -> None:
    """Raise DamagedError where a table or a column of the newest schema is missing."""
    with database.reading() as connection:
        there = {tuple(row) for row in connection.execute(text(_COLUMNS[connection.dialect.name]))}
    wanted = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    if missing := sorted(".".join(place) for place in wanted - there):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DamagedError(f"{database.name}: {', '.join(missing[:3])}{more} missing. {database.remedy}")


def check_pages(database: Database) -> None:
    """Raise DamagedError where SQLite's quick_check finds a damaged page; PostgreSQL checks its own when it reads."""
    if not database.is_sqlite:
        return
    with database.reading() as connection:
        found = [str(line) for line in connection.execute(text("PRAGMA quick_check(3)")).scalars()]
    if found != ["ok"]:
        said = " ".join(" ".join(found).split())[:_LONGEST]
        raise DamagedError(f"{database.name}: the database is damaged (quick_check: {said}). {database.remedy}")


def check_trail(database: Database, path: Path, kept: AuditHead | None) -> None:
    """Raise DamagedError where the audit trail does not reach the row that the folder's head at `path` names.

    The head is written after its row is on the disk: a shorter trail is that of an older copy of the database.
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
    """Raise DamagedError where most films of the folder are unknown to the tables, or most known films are missing."""
    there = known = unknown = missing = 0
    with database.reading() as connection:
        for number in range(256):
            files, rows = _files(home, f"{number:02x}"), _rows(connection, f"{number:02x}")
            there, known = there + len(files), known + len(rows)
            unknown, missing = unknown + len(files - rows), missing + len(rows - files)
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
    return f"{home / 'films'} holds {count:,} film{'' if count == 1 else 's'}"


def first_line(error: object) -> str:
    """Return the first line of a driver's message.

    >>> first_line("no such table: films\\nSQL: …")
    'no such table: films'
    """
    return (str(error).strip().splitlines() or [""])[0][:_LONGEST]


def _files(home: Path, first: str) -> set[str]:
    """Return the names in one subfolder; none where it is missing."""
    try:
        return set(os.listdir(home / "films" / first))
    except FileNotFoundError:
        return set()


def _rows(connection: Connection, first: str) -> set[str]:
    """Return the digests of one subfolder that the tables know: those that begin with its name."""
    after = f"{first}g"  # "g" comes after every hexadecimal digit
    return {
        digest
        for column in (films.c.sha256, attachments.c.sha256)
        for digest in connection.execute(select(column).where(column >= first, column < after)).scalars()
    }


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
