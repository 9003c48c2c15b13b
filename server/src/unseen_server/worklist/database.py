"""One database, SQLite or PostgreSQL: how it is reached, and its two types of transaction.

`reading` sees one moment. `writing` is alone: BEGIN IMMEDIATE on SQLite, one advisory lock on PostgreSQL. So on both,
the audit chain grows link by link, and no two writers can lock each other out. Beside it go the claiming of jobs
(`jobs`), and on PostgreSQL the results of workers: they share that lock, lock the rows that they change, and are alone
at the end of the audit trail only while they append to it (`writing_together`, `end_of_trail`). Every such transaction
takes its locks in the same order. A refusal for lack of space, time or connection becomes a sentence.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from unseen.artifacts import install_command
from unseen_server.worklist.states import BusyError, DamagedError, NoRoomError, NotWritableError, WorklistError

_ALONE = 0x756E7365656E  # "unseen": the key of the advisory lock
_TRAIL = _ALONE + 1
_KEYED = 0x756E73  # the first half of keys that callers name
_LATE = _KEYED + 1
_BEGIN = "unseen_begin"
"""Name by which a connection's information holds the statement with which its next transaction begins, on SQLite."""
_MOST_CONNECTIONS = 20  # of one process at once, beyond the five that stay open; PostgreSQL allows 100 by default
PATIENCE_S = 10.0
"""Longest time that a transaction waits for another one; ordinary ones take milliseconds."""


class Database:
    """An engine and its transactions; `name` is what messages may show of it (no password)."""

    def __init__(self, where: Path | URL, *, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        if isinstance(where, Path):
            self.name = str(where)
            self.engine = create_engine(
                URL.create("sqlite", database=str(where)),
                connect_args={"timeout": patience_s},
                max_overflow=_MOST_CONNECTIONS,
                pool_timeout=patience_s,
            )
            _prepare_sqlite(self.engine, patience_s)
        else:
            self.name = where.render_as_string(hide_password=True)
            self.engine = _postgresql(where, patience_s)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def remedy(self) -> str:
        """The way from a damaged database to a worklist that works; nothing of the old one is overwritten."""
        url = "" if self.is_sqlite else " --url postgresql://…, an empty database"
        return (
            "Stop every program that uses this worklist, keep its folder as it is, and restore a backup into a new "
            f"folder: `unseen restore BACKUP --folder NEW{url}`."
        )

    @property
    def version(self) -> str:
        """The database and its version, such as "SQLite 3.40.1"."""
        with self.reading() as connection:
            parts = connection.dialect.server_version_info or ()
        return f"{'SQLite' if self.is_sqlite else 'PostgreSQL'} {'.'.join(map(str, parts))}"

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read-only view of one moment; writers go on beside it."""
        with self._translating_errors(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def writing(self, *, alone: bool = True, durable: bool = True) -> Iterator[Connection]:
        """Open a transaction that is kept when the block ends well, and leaves no trace otherwise.

        Args:
            alone: wait until no other writer is at work; SQLite has but one writer anyway.
            durable: on the disk when the block has ended. On PostgreSQL what is not may be lost in a power cut of the
                server, a fraction of a second's; it never stands half.
        """
        first = [] if durable else ["SET LOCAL synchronous_commit = off"]
        first += [f"SELECT pg_advisory_xact_lock({_ALONE})"] if alone else []
        with self._writing(first) as connection:
            yield connection

    @contextlib.contextmanager
    def writing_together(self, keys: Collection[str]) -> Iterator[Connection]:
        """Open a transaction like `writing`, next to others of its type on PostgreSQL: each is alone with its `keys`,
        and waits for others'.

        `writing` waits for all of them, and they for it. The audit trail is everybody's: see `end_of_trail`.
        """
        with self._writing([f"SELECT pg_advisory_xact_lock_shared({_ALONE})"]) as connection:
            be_alone_with(connection, keys)
            yield connection

    @contextlib.contextmanager
    def _writing(self, first: Sequence[str]) -> Iterator[Connection]:
        """Open a transaction that begins with these statements on PostgreSQL, sent in one."""
        with self._translating_errors(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.info[_BEGIN] = "BEGIN IMMEDIATE"
            with connection.begin():
                if not self.is_sqlite:
                    patience = f"SET LOCAL lock_timeout = {int(self.patience_s * 1000)}"
                    connection.exec_driver_sql("; ".join([patience, *first]))
                yield connection

    def forget_overwritten(self) -> None:
        """Bring SQLite's journal into the file and empty it: it may hold rows that were erased."""
        if self.is_sqlite:
            with self._translating_errors(), self.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")  # of the transaction that connecting began: none may be open
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def _translating_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if (sentence := self._sentence(error)) is None:
                raise
            raise sentence from error
        except PoolTimeout as error:
            raise BusyError(f"{self.name}: too much is asked for at once. Nothing was changed; try again.") from error

    def _sentence(self, error: DBAPIError) -> WorklistError | None:
        """Return the sentence for a failure of the database that its caller did not cause."""
        # SQLite's result code by name, or PostgreSQL's SQLSTATE (appendix A of its manual)
        code = str(getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or "")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40001", "40P01")):
            return BusyError(
                f"{self.name}: another program held the database for more than {self.patience_s:g} s. "
                "Nothing was changed; try again."
            )
        if code.startswith(("SQLITE_FULL", "53100")):
            return NoRoomError(f"{self.name}: the database is full. Nothing was changed. Free some space.")
        if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")):
            return NotWritableError(
                f"{self.name}: the database cannot be written ({error.orig}). Nothing was changed. Check its folder."
            )
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")) or "decode to UTF-8" in str(
            error.orig
        ):
            return DamagedError(f"{self.name}: this is no sound SQLite database ({error.orig}). {self.remedy}")
        if code.startswith(("42P01", "42703", "XX001", "XX002")) or "no such table" in str(error.orig):
            first = str(error.orig).strip().splitlines()[0]
            return DamagedError(f"{self.name}: the database is damaged ({first}). {self.remedy}")
        lost = error.connection_invalidated or (not code and isinstance(error, OperationalError))
        if not self.is_sqlite and (lost or code.startswith(("08", "53", "57P", "28", "3D"))):
            return BusyError(f"{self.name}: the database cannot be reached or used. Nothing was changed; try again.")
        return None


def be_alone_with(connection: Connection, keys: Collection[str], *, late: bool = False) -> None:
    """Hold `keys` until the transaction ends, and wait for whoever does; SQLite has but one writer.

    Args:
        late: after rows were locked. Keys of both types are locked in an order of their own, so no two transactions
            wait for each other.
    """
    if keys and connection.dialect.name == "postgresql":
        numbers = sorted({_number(key) for key in keys})
        wanted = "SELECT key FROM unnest(CAST(:keys AS integer[])) AS key ORDER BY key OFFSET 0"
        locks = text(f"SELECT pg_advisory_xact_lock({_LATE if late else _KEYED}, key) FROM ({wanted}) AS sorted")
        connection.execute(locks, {"keys": numbers})


def end_of_trail(connection: Connection) -> None:
    """Be alone at the end of the audit trail until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TRAIL})


def _number(key: str) -> int:
    """Return a key as PostgreSQL's advisory locks take it, 32 bits; two keys with one number wait for each other."""
    return int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:4], "big", signed=True)


def url_of(where: str | Path) -> URL | None:
    """Return the URL that `where` is, with the driver that is used; None where it is a folder.

    >>> url_of("postgresql://reader@db/worklist").drivername
    'postgresql+psycopg'

    Raises WorklistError for the URL of anything but PostgreSQL.
    """
    if isinstance(where, Path) or "://" not in where:
        return None
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise WorklistError("The database's URL cannot be read. Write postgresql://user@host/name.") from error
    if url.get_backend_name() != "postgresql":
        raise WorklistError(
            f"{url.get_backend_name()}: not a database that worklists are kept in. Give a folder (SQLite), or a "
            "PostgreSQL database as postgresql://user@host/name."
        )
    return url.set(drivername="postgresql+psycopg")


def _postgresql(url: URL, patience_s: float) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, max_overflow=_MOST_CONNECTIONS, pool_timeout=patience_s)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise WorklistError(f"PostgreSQL needs a driver: {install_command('unseen-server[postgres]')}.") from error


def _prepare_sqlite(engine: Engine, patience_s: float) -> None:
    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, record: Any) -> None:  # Any: SQLAlchemy's record of its pool
        connection.isolation_level = None  # the driver begins nothing by itself; `begin` below does
        for pragma in (
            f"busy_timeout = {int(patience_s * 1000)}",
            "journal_mode = WAL",
            "synchronous = FULL",  # a commit is on the disk: acknowledged films rest on it
            "foreign_keys = ON",
            "secure_delete = ON",  # an erased patient's rows are overwritten
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: PoolProxiedConnection) -> None:
        connection.cursor().execute(connection.info.pop(_BEGIN, "BEGIN"))

    # no event: for an engine that has one, SQLAlchemy prepares a call of listeners at each statement
    engine.dialect.do_begin = begin  # type: ignore[method-assign, assignment]
