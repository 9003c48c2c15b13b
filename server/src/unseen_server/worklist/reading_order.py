"""Order of the list to read: a pure function, whose result is stored and indexed.

The list begins with the studies that were not scored. Then come those that have waited longer than the cap, longest
first, then the rest by priority, then by age. Films that are still to be scored come last: a worker scores them within
seconds, and the cap also moves them up. The other lists show the latest change first.
"""

from __future__ import annotations

from typing import NamedTuple

from unseen_server.worklist.states import Shelf, State, shelf_of

NOT_SCORED, OVERDUE, BY_PRIORITY = 0, 1, 2
UNJUDGED = 1.0  # after every −priority, which is at most 0


class Order(NamedTuple):
    """Lists are sorted by `(shelf, band, rank, received)`, all ascending."""

    shelf: Shelf
    band: int
    rank: float


def order_of(
    state: State,
    *,
    standing: State,
    priority: float | None,
    received_us: int,
    changed_us: int,
    overdue_before_us: int,
) -> Order:
    """Return the position of a study in the list.

    Args:
        priority: of its decision, higher is read earlier; None while there is none.
        overdue_before_us: what was received then or before has waited longer than the cap.

    >>> order_of("to_read", standing="to_read", priority=0.25, received_us=9, changed_us=9, overdue_before_us=5)
    Order(shelf='to_read', band=2, rank=-0.25)
    >>> order_of("in_reading", standing="to_read", priority=0.25, received_us=4, changed_us=9, overdue_before_us=5)
    Order(shelf='to_read', band=1, rank=0.0)
    """
    shelf = shelf_of(state)
    if shelf != "to_read":
        return Order(shelf, BY_PRIORITY, -float(changed_us))  # exact up to the year 2255
    if standing == "not_scored":
        return Order(shelf, NOT_SCORED, 0.0)
    if received_us <= overdue_before_us:
        return Order(shelf, OVERDUE, 0.0)
    return Order(shelf, BY_PRIORITY, UNJUDGED if priority is None else -priority)
