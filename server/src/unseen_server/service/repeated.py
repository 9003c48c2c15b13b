"""A task that a thread repeats at an interval."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from unseen_server.worklist.states import WorklistError

_log = logging.getLogger("unseen")

_PATIENCE_S = 10.0


class Repeated:
    """Thread that calls `act` and then waits `every_s` seconds. An exception ends one call, not the thread."""

    def __init__(self, name: str, act: Callable[[], object], *, every_s: float) -> None:
        self._name, self._act, self._every_s = name, act, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current call; give up after 10 s. The process may then end during that call."""
        self._stop.set()
        self._thread.join(timeout=_PATIENCE_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._act()
            except WorklistError as error:
                _log.warning("%s.waits %s", self._name, type(error).__name__)
            except Exception as error:  # the thread must survive: its end would be noticed too late
                _log.error("%s.failed %s", self._name, type(error).__name__)
            self._stop.wait(self._every_s)
