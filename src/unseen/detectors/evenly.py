"""A few of many: films of one hospital lie together in a list, and the first so many would be of one hospital alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of them, spread evenly over the list, in its order.

    >>> evenly("aaaaaabbb", 3), evenly("ab", 3)
    (['a', 'a', 'b'], ['a', 'b'])
    """
    n = len(items)
    return [items[i * n // most] for i in range(most)] if n > most else list(items)
