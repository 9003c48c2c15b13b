"""Delay before a failed film or result is tried again."""

from __future__ import annotations

import hashlib

_FIRST_WAIT_S, _MOST_WAIT_S, _SPREAD = 2.0, 300.0, 0.5
LONGEST_WAIT_S = _MOST_WAIT_S * (1 + _SPREAD)
"""Longest wait of a film or a result until it may be claimed."""


def wait_s(number: int, tries: int) -> float:
    """Return the delay of film `number` after try `tries`: doubling, and spread by the film so that not all come at
    once.

    >>> [round(wait_s(1, tries), 1) for tries in (1, 2, 3, 9)]
    [2.7, 3.6, 8.2, 366.7]
    """
    digest = hashlib.sha256(f"{number}:{tries}".encode()).digest()
    spread = 1 - _SPREAD + 2 * _SPREAD * int.from_bytes(digest[:4], "big") / 2**32  # [0.5, 1.5)
    return float(min(_MOST_WAIT_S, _FIRST_WAIT_S * 2 ** (tries - 1))) * spread
