"""Arrival of films: wakes a worker that waits for them.

PostgreSQL notifies the worker; on SQLite the worker polls, at the interval of `film_worker`.
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
    """Use it as a context manager. On PostgreSQL it has a connection of its own.

    poll_s  seconds between two looks where nothing announces films; of a worker that is notified, between two looks at
            whether it shall stop
    """

    def __init__(self, database: Database, poll_s: float) -> None:
        self._database, self._poll_s = database, poll_s
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._connection is not None:
            with contextlib.suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    def wait(self, stop: threading.Event) -> None:
        """Return when films may have come, or `stop` is set."""
        if self._database.is_sqlite:
            stop.wait(self._poll_s)
            return
        try:
            if self._connection is None:
                self._listen()  # films may have come before
                return
            driver: Any = self._connection.connection.driver_connection  # Any: psycopg's, which is not always installed
            until = time.monotonic() + LOOK_S
            while not stop.is_set() and time.monotonic() < until:
                if list(driver.notifies(timeout=self._poll_s, stop_after=1)):
                    return
        except Exception:  # psycopg's and SQLAlchemy's: the next look finds out that the connection is lost
            self.__exit__()
            stop.wait(self._poll_s)

    def _listen(self) -> None:
        self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.detach()  # it does not go back to the others, where it would listen on
        self._connection.exec_driver_sql(f"LISTEN {CHANNEL}")
