"""Arrival of films: wakes a worker that waits for them.

PostgreSQL notifies the worker. On SQLite the worker asks, at the interval of `film_worker`, whether the database has
changed, which costs less than looking for films.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from unseen_server.worklist.database import Database

CHANNEL = "unseen_jobs"
"""Channel of PostgreSQL's notifications that films have arrived."""


def announce(connection: Connection) -> None:
    """Wake workers that wait for films (`Arrivals`), as soon as this transaction has ended; on PostgreSQL alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))


LOOK_S = 1.0
"""Interval at which a worker looks without a notification: expired leases and films that are due again are not
notified."""


class Arrivals:
    """Use it as a context manager. It has a connection of its own.

    Args:
        poll_s: seconds between two questions: on SQLite, whether the database has changed; on PostgreSQL, whether the
            worker shall stop.
    """

    def __init__(self, database: Database, poll_s: float) -> None:
        self._database, self._poll_s = database, poll_s
        self._connection: Connection | None = None
        self._version = 0  # of the file of SQLite, at the last question

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._connection is not None:
            with contextlib.suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    def wait(self, stop: threading.Event) -> None:
        """Return when films may have come, or `stop` is set."""
        try:
            if self._connection is None:
                self._listen()  # films may have come before
                return
            until = time.monotonic() + LOOK_S
            while not stop.is_set() and time.monotonic() < until:
                if self._told(stop):
                    return
        except Exception:  # psycopg's, SQLite's and SQLAlchemy's: the next look finds out that the connection is lost
            self.__exit__()
            stop.wait(self._poll_s)

    def _listen(self) -> None:
        self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.detach()  # it does not go back to the others, where it would listen on
        if self._database.is_sqlite:
            self._version = self._seen()
        else:
            self._connection.exec_driver_sql(f"LISTEN {CHANNEL}")

    def _told(self, stop: threading.Event) -> bool:
        """Wait for `poll_s`, on PostgreSQL until a notification; return True if films may have come."""
        assert self._connection is not None
        if not self._database.is_sqlite:
            driver: Any = self._connection.connection.dbapi_connection  # Any: psycopg's, which is not always installed
            return bool(list(driver.notifies(timeout=self._poll_s, stop_after=1)))
        before, self._version = self._version, self._seen()
        return before != self._version or stop.wait(self._poll_s)

    def _seen(self) -> int:
        """Return SQLite's version of the data: another one after each commit of another connection."""
        assert self._connection is not None
        driver: Any = self._connection.connection.dbapi_connection  # Any: the driver's own
        version: int = driver.execute("PRAGMA data_version").fetchone()[0]
        return version
