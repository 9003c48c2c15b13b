"""Limit of password attempts: failed tries to sign in are limited by address, and more strictly by name.

A link and a sign-in by an identity provider count by address only. No other request is limited here.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from unseen_server.service.waiting_clients import address_group

BY_NAME, BY_ADDRESS = 10, 50
WITHIN_S = 600.0
"""Ten tries in ten minutes: 1,440 a day, nothing against a password of twelve characters.

`BY_NAME` counts the tries for one name from one address: counted by the name alone, anybody could lock anybody out.
"""
_MOST_KEYS: Final = 20_000


_Key = tuple[str, str | None]
"""An address, and a name that was tried from there; None: any name."""


def _keys(name: str | None, address: str) -> dict[_Key, int]:
    """Return what a try is counted for, and how many tries each allows."""
    group = address_group(address)
    found: dict[_Key, int] = {(group, None): BY_ADDRESS}
    if name is not None:
        found[(group, _folded(name))] = BY_NAME
    return found


def _folded(name: str) -> str:
    return name[:64].casefold()


class Throttle:
    """Counts tries in memory; a restart forgets them.

    Each try is counted before the password is looked at, so that many at once do not slip through.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[_Key, deque[float]] = OrderedDict()

    def take(self, name: str | None, address: str) -> float:
        """Count a try; returns 0, or how many seconds to wait, in which case it was not counted.

        >>> throttle = Throttle(clock=lambda: 0.0)
        >>> [throttle.take("ann", "10.0.0.1") for _ in range(11)][-2:]
        [0.0, 600.0]
        >>> throttle.take("ben", "10.0.0.1"), throttle.take("ann", "10.0.0.2")
        (0.0, 0.0)
        """
        now = self._clock()
        with self._lock:
            keys = _keys(name, address)
            wait = max(self._wait(key, most, now) for key, most in keys.items())
            if wait == 0:
                for key in keys:
                    self._tries.setdefault(key, deque()).append(now)
                    self._tries.move_to_end(key)
                while len(self._tries) > _MOST_KEYS:
                    self._tries.popitem(last=False)
            return wait

    def forgive(self, name: str | None, address: str) -> None:
        """Forget a successful try: it is not held against the address, nor are earlier ones for the name from there."""
        with self._lock:
            if (tries := self._tries.get((address_group(address), None))) is not None and tries:
                tries.pop()
            if name is not None:
                self._tries.pop((address_group(address), _folded(name)), None)

    def _wait(self, key: _Key, most: int, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None:
            return 0.0
        while tries and tries[0] <= now - WITHIN_S:
            tries.popleft()
        return tries[0] + WITHIN_S - now if len(tries) >= most else 0.0
