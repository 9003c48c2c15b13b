"""Sort orders of the list, and cursors: the position of a row in a sort order.

A cursor contains the values by which its row is sorted, so that a page costs the same at the front, in the middle and
at the end. A study that moves while a reader turns pages appears at its new position; the first page is always current.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Double, Text

from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.tables import LEAST_SCORE, studies

Tab = Literal["to_read", "cleared", "reported", "not_scored", "all"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)
SortOrder = Literal["list", "received", "score", "source"]
"""`list`: reading order, but in the tab `all` the latest received first. The others ascend: oldest, lowest, A first."""
ORDERS: Final[tuple[SortOrder, ...]] = get_args(SortOrder)
Place = tuple[float | str, ...]
_LONGEST = 1000

_ID: Any = studies.c.id  # Any: columns of different types
_RECEIVED: Any = studies.c.received_us
_READING: Any = (studies.c.band, studies.c.rank, _RECEIVED, _ID)


def sort_columns(tab: Tab, order: SortOrder = "list") -> list[ColumnElement[Any]]:
    """Return the columns that a tab is sorted by, all in one direction."""
    if order == "received" or (order == "list" and tab == "all"):
        return [_RECEIVED, _ID]
    if order == "score":
        return [studies.c.score_rank, _ID]
    if order == "source":
        return [studies.c.source, *_READING]
    return list(_READING[1:] if tab == "not_scored" else _READING)  # one band: with it, SQLite ignores the index


def goes_down(tab: Tab, order: SortOrder, *, reverse: bool) -> bool:
    """Return True if the columns descend: in `all`, the latest received come first.

    >>> goes_down("all", "list", reverse=False), goes_down("to_read", "score", reverse=True)
    (True, True)
    """
    return (order == "list" and tab == "all") != reverse


def cursor_of(place: Place) -> str:
    """Encode a place as text, for the parameters `after` and `before`."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_of(cursor: str, columns: list[ColumnElement[Any]]) -> Place:
    """Return the place that a cursor encodes, in rows sorted by `columns`.

    Raises:
        WorklistError: the cursor is damaged or belongs to another order.
    """
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        sound = isinstance(place, list) and len(place) == len(columns) and all(map(_fits, place, columns))
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise WorklistError("The page's cursor is damaged. Begin at the first page.")
    return tuple(place)


def _fits(value: Any, column: ColumnElement[Any]) -> bool:  # Any: JSON
    if isinstance(column.type, Text):
        return isinstance(value, str) and len(value) <= _LONGEST and clean(value) == value
    most = -LEAST_SCORE if isinstance(column.type, Double) else 2**63 - 1
    return type(value) in (int, float) and abs(value) <= most
