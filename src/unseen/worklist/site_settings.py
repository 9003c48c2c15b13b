"""What a site has set for all its servers: who sees names, how long studies wait and are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from sqlalchemy import Connection, select

from unseen.worklist.states import WorklistError
from unseen.worklist.tables import settings
from unseen.worklist.transactions import CAP_S, set_cap

if TYPE_CHECKING:
    from unseen.worklist.transactions import Writing

Identity = Literal["nobody", "lead", "reader"]
_IDENTITY: Final = "identity"
_KEPT: Final = "kept_days"
_CAP: Final = "waiting_cap_s"


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """The settings.

    identity       from which role on people see names and numbers in the films' headers; everybody else pseudonyms
    waiting_cap_s  how long priorities may keep a study waiting
    kept_days      days after which studies that are done are removed; None: none is, until somebody retires them
    """

    identity: Identity = "nobody"
    waiting_cap_s: float = CAP_S
    kept_days: float | None = None


def read(connection: Connection) -> SiteSettings:
    """The settings as they are."""
    known = {row.name: row.value for row in connection.execute(select(settings))}
    identity = known.get(_IDENTITY, "nobody")
    return SiteSettings(
        identity="lead" if identity == "lead" else "reader" if identity == "reader" else "nobody",
        waiting_cap_s=float(known.get(_CAP, CAP_S)),
        kept_days=float(known[_KEPT]) if known.get(_KEPT) else None,
    )


def change(
    writing: Writing,
    *,
    actor: str,
    identity: Identity | None = None,
    waiting_cap_s: float | None = None,
    kept_days: float | None = None,
) -> SiteSettings:
    """Change what is given, on record; `kept_days` of 0: nothing is removed by age.

    Raises WorklistError for what makes no sense.
    """
    if identity is not None:
        if identity not in get_args(Identity):
            raise WorklistError(f"{str(identity)[:40]!r}: names are shown to {', '.join(get_args(Identity))}.")
        _set(writing, _IDENTITY, identity, actor=actor)
    if waiting_cap_s is not None:
        set_cap(writing, waiting_cap_s, actor=actor)
    if kept_days is not None:
        if not (math.isfinite(kept_days) and (kept_days == 0 or kept_days >= 1)):
            raise WorklistError(f"{kept_days} days: give 1 or more, or 0 for no removal by age.")
        _set(writing, _KEPT, repr(float(kept_days)) if kept_days else "", actor=actor)
    return read(writing.connection)


def _set(writing: Writing, name: str, value: str, *, actor: str) -> None:
    found = writing.connection.execute(settings.update().where(settings.c.name == name).values(value=value))
    if not found.rowcount:
        writing.connection.execute(settings.insert().values(name=name, value=value))
    writing.log(actor, "setting.changed", name, value=value)
