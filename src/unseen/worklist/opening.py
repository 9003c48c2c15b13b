"""Finding a store, or making one: its database, its folder, its key, and the head of its audit trail beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, select

from unseen.worklist import schema
from unseen.worklist.audit import Head
from unseen.worklist.database import Database, url_of
from unseen.worklist.errors import NotFoundError, WorklistError
from unseen.worklist.pseudonyms import Pseudonyms, make_site_key, site_key
from unseen.worklist.tables import settings
from unseen.worklist.waiting import CAP_S

DATABASE = "worklist.sqlite"
KEY = "site.key"
HEAD = "audit.head"


def opened(
    where: str | Path, *, films_folder: str | Path | None, pseudonymise: bool | None, create: bool, patience_s: float
) -> tuple[Database, Path, Pseudonyms]:
    """The database with its newest schema, the folder of everything else, and the site's pseudonyms."""
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
        with _locked(home / "opening.lock"):
            schema.upgrade(database)
            return database, home, _names(database, home / KEY, pseudonymise)
    except BaseException:
        database.close()
        raise


def locate(where: str | Path, films_folder: str | Path | None) -> tuple[Path | URL, Path]:
    """The database's file or URL, and the folder of everything else.

    Raises WorklistError where a URL comes without that folder.
    """
    url = url_of(where)
    if url is None:
        return Path(where) / DATABASE, Path(films_folder if films_folder is not None else where)
    if films_folder is None:
        raise WorklistError("With PostgreSQL, say where films lie: give films_folder, the same to every process.")
    return url, Path(films_folder)


def _names(database: Database, path: Path, pseudonymise: bool | None) -> Pseudonyms:
    """The pseudonyms of this store; the first opening makes the key and settles the rest."""
    with database.writing() as connection:
        known = {row.name: row.value for row in connection.execute(select(settings))}
        key = site_key(path)
        if not known:
            plain = pseudonymise is False
            names = Pseudonyms(key or make_site_key(path), plain=plain)
            first = {"plain": str(int(plain)), "key": names.fingerprint, "waiting_cap_s": repr(CAP_S)}
            for name, value in first.items():
                connection.execute(settings.insert().values(name=name, value=value))
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


def keep_head(home: Path, head: Head) -> None:
    """Write down where the audit trail ends, unless a later end is there already."""
    with _locked(home / "audit.lock"):
        path = home / HEAD
        kept = kept_head(home)
        if kept is not None and kept.seq >= head.seq:
            return
        temporary = path.with_suffix(".tmp")
        temporary.write_text(f"{head}\n", encoding="ascii")
        os.replace(temporary, path)  # not flushed: after a power cut it may be an earlier head, and is still a true one


def kept_head(home: Path) -> Head | None:
    """The head that is kept beside the store; None where none is, or a power cut has emptied it."""
    try:
        written = (home / HEAD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return Head.parse(written) if written.strip() else None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among the processes that see this folder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
