"""Opening a store: its schema, its pseudonyms, its folder and its key.

Brings a database's schema to a revision, under a lock, or refuses one that is newer than this version knows.

Pseudonyms: patient, study, accession and file name as HMAC-SHA256 under a key of the site, or, where a store was
made so, as they are.

The key lies beside the store in ``site.key``. Whoever has it can test a guess (accession numbers are short), so it is
as secret as the films; whoever has the database alone learns nothing.

Finding a store, or making one: its database, its folder, its key, and the head of its audit trail beside it. A folder
is opened with its own database alone (`belonging`).
"""

import contextlib
import fcntl
import functools
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, overload

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, select
from sqlalchemy.exc import DBAPIError

from unseen.artifacts import replacing
from unseen_server.worklist import damage
from unseen_server.worklist.audit import Head
from unseen_server.worklist.belonging import DATABASE, KEY, MARKER, bind, check_file, check_server
from unseen_server.worklist.damage import Check
from unseen_server.worklist.database import Database, url_of
from unseen_server.worklist.states import DamagedError, NotFoundError, WorklistError
from unseen_server.worklist.tables import settings
from unseen_server.worklist.transactions import CAP_S

_FOLDER = Path(__file__).with_name("migrations")


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def newest() -> str:
    """The revision that this version works with; to find it, alembic reads every migration."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def upgrade(database: Database, *, to: str = "head") -> None:
    """Apply every revision that is missing, all together or not at all; does nothing where none is.

    Raises WorklistError for a database of a later version.
    """
    with database.reading() as connection:
        if revision(connection) == (newest() if to == "head" else to):
            return
    with database.writing() as connection:
        seen = revision(connection)  # again: another process may have been faster
        known = [script.revision for script in _scripts().walk_revisions()]
        if seen is not None and seen not in known:
            raise WorklistError(
                f"{database.name}: its schema is revision {seen}, and this version of unseen knows up to {newest()}. "
                "Update unseen; an older version must not write into it."
            )
        if to not in ("head", *known):
            raise WorklistError(
                f"Revision {to} is not known to this version of unseen, which ends at {newest()}. Update it."
            )
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))


Kind = Literal["patient", "issuer", "study", "instance", "accession", "name", "film", "note", "report"]
_BYTES = 32


class Pseudonyms:
    """Text to what the database may hold of it.

    >>> names = Pseudonyms(bytes(32), plain=False)
    >>> names.of("patient", "1234 ") == names.of("patient", "1234"), names.of("patient", "1234")[:8]
    (True, '6289bfc8')
    >>> Pseudonyms(bytes(32), plain=True).of("patient", "1234")
    '1234'
    """

    def __init__(self, key: bytes, *, plain: bool) -> None:
        self.key = key
        self.plain = plain

    def of(self, kind: Kind, text: str) -> str:
        """What is stored in place of `text`, as DICOM pads it or not."""
        return text.strip() if self.plain else self.sealed(kind, text.strip())

    def sealed(self, kind: Kind, text: str) -> str:
        """The HMAC of `text`, in a plain store too: 64 hexadecimal digits."""
        message = f"{kind}\0{text}".encode(errors="surrogatepass")
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()

    @overload
    def hidden(self, kind: Kind, stored: str) -> str: ...
    @overload
    def hidden(self, kind: Kind, stored: str | None) -> str | None: ...
    def hidden(self, kind: Kind, stored: str | None) -> str | None:
        """Return what is shown of a stored value where names are hidden: its keyed hash, in a plain store too."""
        return self.sealed(kind, stored) if self.plain and stored else stored

    @property
    def fingerprint(self) -> str:
        """A short digest that differs between keys and does not reveal the key."""
        return hashlib.sha256(b"fingerprint\0" + self.key).hexdigest()[:16]


def site_key(path: Path) -> bytes | None:
    """The key at `path`; None where there is no such file.

    Raises WorklistError for a file that is no key.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _BYTES:
        raise WorklistError(f"{path}: {len(key)} bytes, a site key has {_BYTES}. Copy it from a backup of this store.")
    return key


def make_site_key(path: Path) -> bytes:
    """A new key at `path`, which only the owner can read."""
    return write_site_key(path, secrets.token_bytes(_BYTES))


def write_site_key(path: Path, key: bytes) -> bytes:
    """Write `key` at `path`, whole or not at all, for the owner alone."""
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
    return key


HEAD = "audit.head"


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
        with _locked(home / "opening.lock"):
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
    try:
        upgrade(database)
    except DBAPIError as error:  # of a database that is as its revision says, a migration does not fail
        if seen is None:
            raise
        raise DamagedError(
            f"{database.name}: its tables are not those of its revision {seen} ({damage.first_line(error.orig)}). "
            f"{database.remedy}"
        ) from error
    damage.check_tables(database)


def _check_files(database: Database, home: Path) -> None:
    try:
        kept = kept_head(home)
    except WorklistError:  # no head: `unseen audit verify` reports it
        kept = None
    damage.check_trail(database, home / HEAD, kept)
    damage.check_films(database, home)


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
            if damage.has_films(path.parent):
                raise DamagedError(
                    f"{database.name}: the table of settings is empty, and {damage.films_in(path.parent)}. "
                    f"{database.remedy}"
                )
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
