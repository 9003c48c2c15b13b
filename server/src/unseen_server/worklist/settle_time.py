"""Settle time: how long no film of a study must arrive before the study is complete."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, bindparam, select

from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import settings
from unseen_server.worklist.transactions import Writing

if TYPE_CHECKING:
    from collections.abc import Mapping


SETTLE_S: Final = 60.0
"""Default settle time. mercure waits 60 s for a series, 900 s for a study; a chest study is
two films of one device, made within a minute."""
SETTLE: Final = "settle_s"
SETTLE_OF: Final = "settle_s of "
"""Names of the settings; the second with the source behind it."""
_ANY = select(settings.c.value).where((settings.c.name == SETTLE) | settings.c.name.startswith(SETTLE_OF))
_EITHER = select(settings).where(settings.c.name.in_((SETTLE, bindparam("of"))))


def settle_s(connection: Connection, source: str) -> float:
    """Return the settle time of studies from `source`."""
    found = {row.name: str(row.value) for row in connection.execute(_EITHER, {"of": SETTLE_OF + source})}
    return float(found.get(SETTLE_OF + source, found.get(SETTLE, SETTLE_S)))


def longest_settle_s(connection: Connection) -> float:
    """Return the longest settle time: of any source, or the default."""
    return max([SETTLE_S, *(float(value) for value in connection.execute(_ANY).scalars())])


def set_settle_s(
    writing: Writing, seconds: float | None, *, of: Mapping[str, float | None] | None = None, actor: str
) -> None:
    """Set the settle time for films that arrive from now on: of the site, and by source in `of` (None: as the site)."""
    wanted: dict[str, float | None] = {} if seconds is None else {SETTLE: seconds}
    for source, given in (of or {}).items():
        wanted[SETTLE_OF + checked_text(source, "The source", most=200)] = given
    for name, value in wanted.items():
        if value is not None and not (math.isfinite(value) and 0 <= value <= 86_400):
            raise WorklistError(f"{value} s: a study settles after 0 to 86,400 seconds.")
        writing.connection.execute(settings.delete().where(settings.c.name == name))
        if value is not None:
            writing.connection.execute(settings.insert().values(name=name, value=repr(float(value))))
        writing.log(actor, "setting.changed", name, value=value)
