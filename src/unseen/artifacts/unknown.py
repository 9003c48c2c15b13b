"""The answer to a name that nobody knows: say so, and name the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(name: str, known: Iterable[str]) -> str:
    """The second half of an error about ``name``, which is not among ``known``.

    >>> unknown("sure_wieght", ["sure_weight", "size"])
    'unknown; did you mean sure_weight?'
    >>> unknown("colour", ["sure_weight", "size"])
    'unknown; known: size, sure_weight'
    >>> unknown("colour", [])
    'unknown; none is known here'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"unknown; did you mean {near[0]}?"
    return f"unknown; known: {', '.join(names)}" if names else "unknown; none is known here"
