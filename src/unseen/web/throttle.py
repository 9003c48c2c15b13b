"""Guessing passwords is made slow: so many failed tries by name and by address, and then a wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

BY_NAME, BY_ADDRESS = 10, 50
WITHIN_S = 600.0
"""Ten tries in ten minutes: 1,440 a day, nothing against a password of twelve characters."""
_MOST_KEYS: Final = 20_000


class Throttle:
    """Counts tries in memory; a restart forgets them.

    Each try is counted before the password is looked at, so that many at once do not slip through.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def take(self, name: str | None, address: str) -> float:
        """Count a try; returns 0, or how many seconds to wait, in which case it was not counted.

        >>> throttle = Throttle(clock=lambda: 0.0)
        >>> [throttle.take("ann", "10.0.0.1") for _ in range(11)][-2:]
        [0.0, 600.0]
        >>> throttle.take("ben", "10.0.0.1")
        0.0
        """
        now = self._clock()
        wanted = [(("address", address), BY_ADDRESS)]
        if name is not None:
            wanted.append((("name", name[:64].casefold()), BY_NAME))
        with self._lock:
            wait = max(self._wait(key, most, now) for key, most in wanted)
            if wait == 0:
                for key, _ in wanted:
                    self._tries.setdefault(key, deque()).append(now)
                    self._tries.move_to_end(key)
                while len(self._tries) > _MOST_KEYS:
                    self._tries.popitem(last=False)
            return wait

    def forgive(self, name: str | None, address: str) -> None:
        """The try succeeded: it is not held against the address, nor are earlier ones against the name."""
        with self._lock:
            if (tries := self._tries.get(("address", address))) is not None and tries:
                tries.pop()
            if name is not None:
                self._tries.pop(("name", name[:64].casefold()), None)

    def _wait(self, key: tuple[str, str], most: int, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None:
            return 0.0
        while tries and tries[0] <= now - WITHIN_S:
            tries.popleft()
        return tries[0] + WITHIN_S - now if len(tries) >= most else 0.0
