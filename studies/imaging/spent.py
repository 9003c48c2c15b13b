"""The processor seconds that a training took, over kills: the clock on the wall counts the neighbours' work too."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from unseen.artifacts.files import write_text

_WRITTEN_EVERY_S = 20.0


class Spent:
    """Counts from when it is made; `path` keeps the seconds of each process that trained, so that they add up.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "spent.json"
    >>> spent = Spent(path)
    >>> spent.step()
    >>> spent.total_s() >= 0, len(json.loads(path.read_text()))
    (True, 1)
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before: list[float] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        self._begun = time.process_time()
        self._now: float | None = None
        self._written = time.monotonic()

    def step(self) -> None:
        """A step was done. One that a kill lost, and that was done anew, counts twice: it was paid for twice."""
        self._now = time.process_time() - self._begun
        if time.monotonic() - self._written > _WRITTEN_EVERY_S:
            self._write()

    def total_s(self) -> float:
        """Return the processor seconds of all processes together; NaN if nothing was kept."""
        if self._now is not None:
            self._write()
        seconds = [*self._before, *([] if self._now is None else [self._now])]
        return sum(seconds) if seconds else math.nan

    def _write(self) -> None:
        write_text(self._path, json.dumps([*self._before, round(self._now or 0.0, 1)]) + "\n")
        self._written = time.monotonic()
