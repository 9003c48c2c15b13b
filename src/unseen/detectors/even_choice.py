"""Choice of a few items, spread evenly over a list.

Films of one hospital lie together in a list: the first few would be of one hospital alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

_GOLDEN = (5**0.5 - 1) / 2


def evenly(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of them, spread evenly over the list, in its order.

    One of each of `most` pieces, at a place in it that goes by the golden ratio: a stride would meet a list in which
    normal and abnormal films take turns in the same place of each turn.

    >>> evenly("aaaaaabbb", 3), evenly("ababababab", 5), evenly("ab", 3)
    (['a', 'a', 'b'], ['a', 'b', 'a', 'b', 'a'], ['a', 'b'])
    """
    n = len(items)
    if n <= most:
        return list(items)
    ends = [piece * n // most for piece in range(most + 1)]
    return [
        items[start + int(piece * _GOLDEN % 1 * (end - start))] for piece, (start, end) in enumerate(pairwise(ends))
    ]
