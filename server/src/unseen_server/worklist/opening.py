"""Open a store or make one: database, folder, key and head of the audit trail.

A folder is opened with its own database only (`belonging`).
"""

from pathlib import Path

from sqlalchemy import URL, insert, select
from sqlalchemy.exc import DBAPIError

from unseen_server.worklist import damage
from unseen_server.worklist.audit_head import HEAD, kept_head
from unseen_server.worklist.belonging import DATABASE, KEY, MARKER, bind, check_file, check_server
from unseen_server.worklist.damage import Check
from unseen_server.worklist.database import Database, url_of
from unseen_server.worklist.file_lock import locked
from unseen_server.worklist.pseudonyms import Pseudonyms, make_site_key, site_key
from unseen_server.worklist.schema import newest, revision, upgrade
from unseen_server.worklist.states import DamagedError, NotFoundError, WorklistError
from unseen_server.worklist.tables import settings
from unseen_server.worklist.waiting_cap import CAP_S


def opened(
    where: str | Path,
    *,
    films_folder: str | Path | None,
    pseudonymise: bool | None,
    create: bool,
    patience_s: float,
    check: Check = "tables",
) -> tuple[Database, Path, Pseudonyms]:
    """Return the database with its newest schema, the folder of everything else, and the site's pseudonyms.

    Raises:
        DamagedError: the database is empty or damaged next to films, as far as `check` finds out.
    """
    target, home = locate(where, films_folder)
    if not create and not (home / KEY).exists():
        raise NotFoundError(f"{home}: there is no worklist here. Check the folder; `unseen serve` begins a new one.")
    if home.exists() and not home.is_dir():
        raise WorklistError(f"{home}: is a file. A worklist is a folder.")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(target, patience_s=patience_s)
    try:
        with locked(home / "opening.lock"):
            if isinstance(target, Path):
                check_file(home, target, remedy=database.remedy)
                damage.check_size(database, target, home)
            else:
                check_server(database, home, create=create)
            _upgrade_whole(database, home)
            names = _names(database, home / KEY, pseudonymise)
            if isinstance(target, URL) and not (home / MARKER).exists():
                bind(database, target, home)
        if check != "tables":
            damage.check_pages(database)
        if check == "files":
            _check_files(database, home)
        return database, home, names
    except BaseException:
        database.close()
        raise


def _upgrade_whole(database: Database, home: Path) -> None:
    """Apply the missing revisions to a database that is whole: with all its tables, or new and without films."""
    with database.reading() as connection:
        seen = revision(connection)
        if seen is None:
            damage.check_new(database, connection, home)
        there = damage.columns(connection)
    if seen != newest():
        _upgrade_from(database, seen)
        with database.reading() as connection:
            there = damage.columns(connection)
    damage.check_tables(database, there)


def _upgrade_from(database: Database, seen: str | None) -> None:
    try:
        upgrade(database)
    except DBAPIError as error:  # of a database that is as its revision says, a migration does not fail
        if seen is None:
            raise
        raise DamagedError(
            f"{database.name}: its tables are not those of its revision {seen} ({damage.first_line(error.orig)}). "
            f"{database.remedy}"
        ) from error


def _check_files(database: Database, home: Path) -> None:
    try:
        kept = kept_head(home)
    except WorklistError:  # no head: `unseen audit verify` reports it
        kept = None
    damage.check_trail(database, home / HEAD, kept)
    damage.check_films(database, home)


def locate(where: str | Path, films_folder: str | Path | None) -> tuple[Path | URL, Path]:
    """Return the database's file or URL, and the folder of everything else.

    Raises WorklistError where a URL comes without that folder.
    """
    url = url_of(where)
    if url is None:
        return Path(where) / DATABASE, Path(films_folder if films_folder is not None else where)
    if films_folder is None:
        raise WorklistError("With PostgreSQL, say where films lie: give films_folder, the same to every process.")
    return url, Path(films_folder)


def _names(database: Database, path: Path, pseudonymise: bool | None) -> Pseudonyms:
    """Return the pseudonyms of this store; the first opening makes the key and settles the rest."""
    with database.writing() as connection:
        known = {row.name: row.value for row in connection.execute(select(settings))}
        key = site_key(path)
        if not known:
            if damage.has_films(path.parent):
                raise DamagedError(
                    f"{database.name}: the table of settings is empty, and {damage.films_in(path.parent)}. "
                    f"{database.remedy}"
                )
            plain = pseudonymise is False
            names = Pseudonyms(key or make_site_key(path), plain=plain)
            first = {"plain": str(int(plain)), "key": names.fingerprint, "waiting_cap_s": repr(CAP_S)}
            connection.execute(insert(settings), [{"name": name, "value": value} for name, value in first.items()])
            return names
    if key is None:
        raise WorklistError(
            f"{path}: missing. Without its key, no patient of this store can be found again. Copy it from a backup."
        )
    names = Pseudonyms(key, plain=known["plain"] == "1")
    if names.fingerprint != known["key"]:
        raise WorklistError(f"{path}: the key of another store. Copy this store's own from a backup.")
    if pseudonymise is not None and pseudonymise == names.plain:
        raise WorklistError(
            f"{database.name}: this store was made {'without' if names.plain else 'with'} pseudonyms, and stays so. "
            "Make a new store to have it otherwise."
        )
    return names
