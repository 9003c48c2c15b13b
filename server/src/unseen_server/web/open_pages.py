"""Pages of browsers that have a claimed study open: closing one of them releases no study that another one shows.

A reader may have the same study open on two computers. The list of pages is in memory: after a restart of the server, a
page is known again when it renews its claim.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Final

_MOST_PAGES: Final = 32
"""Most pages of one claim that are remembered; the oldest is forgotten first."""


class OpenPages:
    """Pages by claim; a page that has crashed counts until its claim would have ended.

    Args:
        lasts_s: Validity of a claim, in seconds.
        clock: Monotonic clock, in seconds.

    Attributes:
        lock: Lock for a change of a claim together with its pages. A page that is loaded again claims the study while
            the page before releases it.

    Example:
        >>> pages = OpenPages(lasts_s=60, clock=lambda: 0.0)
        >>> pages.opened("claim", "a"), pages.opened("claim", "b")
        (None, None)
        >>> pages.closed("claim", "a"), pages.closed("claim", "b")
        (True, False)
    """

    def __init__(self, *, lasts_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lasts_s, self._clock = lasts_s, clock
        self.lock = RLock()
        self._ends: dict[Hashable, dict[str, float]] = {}

    def opened(self, claim: Hashable, page: str) -> None:
        """Record that a page shows the study of a claim."""
        with self.lock:
            self._forget_ended()
            pages = self._ends.setdefault(claim, {})
            pages.pop(page, None)
            pages[page] = self._clock() + self._lasts_s
            if len(pages) > _MOST_PAGES:
                oldest, *_ = pages
                del pages[oldest]

    def closed(self, claim: Hashable, page: str) -> bool:
        """Record that a page is closed; return True if another page shows the study."""
        with self.lock:
            self._forget_ended()
            self._ends.get(claim, {}).pop(page, None)
            return bool(self._ends.get(claim))

    def _forget_ended(self) -> None:
        now = self._clock()
        for claim, pages in list(self._ends.items()):
            left = {page: ends for page, ends in pages.items() if ends > now}
            if left:
                self._ends[claim] = left
            else:
                del self._ends[claim]
