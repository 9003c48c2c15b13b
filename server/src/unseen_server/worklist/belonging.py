"""Binding of a worklist's folder to its database: no command opens the folder with another database.

An SQLite database is a file in the folder. For PostgreSQL, the first opening writes a random name into the database's
settings and into a file of the folder. This file also has the database's address for people (no user, no password). The
name is compared, not the address: a database has several addresses and may move to another server.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, inspect, select

from unseen.artifacts import replacing
from unseen_server.worklist.damage import films_in, has_films
from unseen_server.worklist.database import Database
from unseen_server.worklist.states import DamagedError, NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.tables import settings

DATABASE = "worklist.sqlite"
KEY = "site.key"
MARKER = "worklist.postgresql"
"""File of a folder that names its PostgreSQL database."""
SETTING = "database"
"""Setting with the database's random name."""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Content of `MARKER`: the `address` for people, and the random `name`, which the database also has."""

    address: str
    name: str


def marker(home: Path) -> Marker | None:
    """Return the marker of a folder; None if it has none.

    Raises WorklistError if the file is damaged.
    """
    path = home / MARKER
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split()
    except FileNotFoundError:
        return None
    if len(lines) != 2:
        raise WorklistError(f"{path}: damaged. Remove it, and open the worklist with its own UNSEEN_URL.")
    return Marker(address=lines[0], name=lines[1])


def check_file(home: Path, file: Path, *, remedy: str = "") -> None:
    """Refuse to make or open the SQLite database `file` for a folder whose tables are in PostgreSQL.

    Args:
        home: the worklist's folder.
        file: the SQLite database.
        remedy: the remedy that DamagedError states; "" raises NotAllowedError instead.

    Raises:
        NotAllowedError: the tables are in PostgreSQL, or the folder has a site key and the file is missing.
        DamagedError: the file is missing, the folder has films, and a remedy is given.
    """
    if (kept := marker(home)) is not None:
        raise NotAllowedError(
            f"{home / MARKER}: this worklist lies in the PostgreSQL database {kept.address}, and no URL was given. "
            "Set UNSEEN_URL (postgresql://user@host/name), or give --url."
        )
    if (home / KEY).exists() and not file.exists() and remedy and has_films(home):
        raise DamagedError(
            f"{file.name}: the database is missing: the folder holds {KEY} and no {DATABASE}, and {films_in(home)}. "
            f"{remedy} If the worklist lies in PostgreSQL, set UNSEEN_URL (postgresql://user@host/name) instead."
        )
    if (home / KEY).exists() and not file.exists():
        raise NotAllowedError(
            f"{home}: holds {KEY} and no {DATABASE}. If the worklist lies in PostgreSQL, set UNSEEN_URL "
            "(postgresql://user@host/name); if the file is lost, restore a backup into an empty folder."
        )


def check_server(database: Database, home: Path, *, create: bool) -> None:
    """Refuse a PostgreSQL database that does not belong to the folder; write nothing into it."""
    known, kept = _settings(database), marker(home)
    if kept is not None and not known and kept.address == _address(database.engine.url) and has_films(home):
        raise DamagedError(f"{database.name}: the database holds no worklist, and {films_in(home)}. {database.remedy}")
    if kept is not None and not known:
        raise NotAllowedError(
            f"{home / MARKER}: this worklist lies in the PostgreSQL database {kept.address}, and {database.name} is "
            "empty. Correct UNSEEN_URL; to move the worklist there, use `unseen backup` and `unseen restore`."
        )
    if kept is not None and known.get(SETTING) != kept.name:
        raise NotAllowedError(
            f"{home / MARKER}: this worklist lies in the PostgreSQL database {kept.address}, and {database.name} holds "
            "another worklist. Correct UNSEEN_URL, or the folder. If it is a copy of this worklist's own database, "
            "remove that file."
        )
    if kept is None and not known and (home / KEY).exists() and (home / DATABASE).exists():
        raise NotAllowedError(
            f"{home / DATABASE}: this folder holds a worklist in SQLite, and {database.name} is empty. Leave "
            "UNSEEN_URL out; to move the worklist, use `unseen backup` and `unseen restore` into an empty folder."
        )
    if not known and not create:
        raise NotFoundError(f"{database.name}: there is no worklist in this database. Correct UNSEEN_URL.")


def bind(database: Database, url: URL, home: Path) -> None:
    """Give the database a name, unless it has one, and write the name into the folder."""
    with database.writing() as connection:
        name = connection.execute(select(settings.c.value).where(settings.c.name == SETTING)).scalar_one_or_none()
        if name is None:
            name = secrets.token_hex(16)
            connection.execute(settings.insert().values(name=SETTING, value=name))
    with replacing(home / MARKER) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{_address(url)}\n{name}\n")


def settle(database: Database, url: URL | None, home: Path) -> None:
    """`bind` a database that was just filled from a backup, under a new name; SQLite (no `url`) needs no name."""
    with database.writing() as connection:
        connection.execute(settings.delete().where(settings.c.name == SETTING))
    if url is not None:
        bind(database, url, home)


def _settings(database: Database) -> dict[str, str]:
    """Return all settings; none if the database has no such table yet."""
    with database.reading() as connection:
        if not inspect(connection).has_table(settings.name):
            return {}
        return {row.name: row.value for row in connection.execute(select(settings))}


def _address(url: URL) -> str:
    """Return host and name of a database.

    >>> from sqlalchemy import make_url
    >>> _address(make_url("postgresql://unseen:secret@db.hospital.example/worklist"))
    'postgresql://db.hospital.example/worklist'
    """
    host = url.host or url.query.get("host", "")
    shown = URL.create("postgresql", host=host if isinstance(host, str) else host[0], port=url.port)
    return f"{shown.render_as_string()}/{url.database or ''}".replace(" ", "%20")
