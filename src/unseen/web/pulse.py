"""Whether anything in the worklist has changed, asked once for all pages that are open."""

from __future__ import annotations

import contextlib
import time
from threading import Lock
from typing import TYPE_CHECKING

from unseen.worklist.errors import WorklistError

if TYPE_CHECKING:
    from unseen.worklist.store import Store

LOOK_S = 0.4


class Pulse:
    """The number of the latest change of `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._seen = 0
        self._looked = float("-inf")

    def latest(self) -> int:
        """Its number; the last known one while the database is out of reach."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_S:
                with contextlib.suppress(WorklistError):
                    self._seen = self._store.audit_head().seq
                self._looked = time.monotonic()
            return self._seen
