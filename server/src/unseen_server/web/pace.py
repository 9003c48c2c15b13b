"""Rate limit of a session: a token bucket, so that a runaway script does not block others."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

PER_S, BURST = 200.0, 2000.0
_MOST = 4096  # sessions that are remembered; the longest silent is forgotten first


class Pace:
    """`per_s` requests each second, and `burst` at once after a pause.

    >>> pace = Pace(per_s=10, burst=2, clock=lambda: 0.0)
    >>> [round(pace.wait_s("a"), 1) for _ in range(3)], pace.wait_s("b")
    ([0.0, 0.0, 0.1], 0.0)
    """

    def __init__(
        self, *, per_s: float = PER_S, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, session: str) -> float:
        """0, and the request is counted; else how long to wait before the next, and it is not."""
        now = self._clock()
        with self._lock:
            left, looked = self._left.pop(session, (self._burst, now))
            left = min(self._burst, left + (now - looked) * self._per_s)
            allowed = left >= 1
            self._left[session] = (left - allowed, now)
            while len(self._left) > _MOST:
                self._left.popitem(last=False)
        return 0.0 if allowed else max((1 - left) / self._per_s, math.ulp(1.0))
