"""Readiness of a worklist to take films: its database answers, and there is space for one more film and its rows."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unseen_server.worklist.hidden_places import without_places
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_files import write_flushed

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store

NO_ROOM: Final = "The disk has too little space for one more film."
KEPT_S: Final = 1.0
"""Time for which a verdict is used again: clients that are not identified ask, and a check writes a file."""
_PROBE_BYTES: Final = 4096
_ROWS_BYTES: Final = 1 << 20  # of a film's rows and of the journal of their transaction, with room to spare


class Readiness:
    """Check of a worklist whose verdict is kept for a second, so that many clients cause no more work than one.

    Args:
        store: the worklist.
        clock: time in seconds, which never steps back.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._verdict: str | None = None
        self._until = 0.0

    def problem(self) -> str:
        """Return why the worklist cannot take a film now, without the server's paths; "" if it can."""
        with self._lock:
            if self._verdict is None or self._clock() >= self._until:
                self._verdict = without_places(why_not_ready(self._store), self._store)
                self._until = self._clock() + KEPT_S  # from the end of the check, which may wait for the database
            return self._verdict


def why_not_ready(store: Store) -> str:
    """Return why the worklist cannot take a film now; "" if it can. A small file is written to find out."""
    probe = store.site.films.temporary()  # the sweep removes it where this process is killed now
    try:
        store.audit.head()
        if not has_room(store):
            return NO_ROOM
        try:
            write_flushed(probe, [bytes(_PROBE_BYTES)])  # a quota, or a disk without inodes, is seen by writing alone
        finally:
            probe.unlink(missing_ok=True)
    except WorklistError as error:
        return str(error)
    except OSError as error:
        where = store.home if error.filename is None else error.filename
        return f"{where}: cannot be used ({error.strerror}). Check the disk and the permissions of the folder."
    return ""


def has_room(store: Store) -> bool:
    """Return True if one more film fits on the disk of the films, and its rows on that of an SQLite database."""
    if shutil.disk_usage(store.home).free < store.site.max_film_bytes:
        return False
    return not store.database.is_sqlite or shutil.disk_usage(Path(store.database.name).parent).free >= _ROWS_BYTES
