"""Settings of a site, for all its servers: who sees names, waiting and retention periods.

Table: settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from sqlalchemy import Connection, select

from unseen_server.worklist.settle_time import SETTLE, SETTLE_OF, SETTLE_S, set_settle_s
from unseen_server.worklist.states import NotAllowedError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import settings
from unseen_server.worklist.waiting_cap import CAP_S, set_cap

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Writing

Identity = Literal["nobody", "lead", "reader"]
MOST_DAYS: Final = 36_500
"""Longest period, in days, after which studies are removed by their age: a century."""
_IDENTITY: Final = "identity"
_KEPT: Final = "kept_days"
_KEPT_OF: Final = "kept_days of "  # and the source
_CAP: Final = "waiting_cap_s"


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """Settings of a site.

    Args:
        identity: the lowest role that sees names and numbers of the films' headers; all others see pseudonyms.
        waiting_cap_s: how long priorities may keep a study waiting.
        kept_days: days after which finished studies are removed; None: they stay until somebody removes them.
        kept_of: by source, `kept_days` of sources that have their own value; None: their studies stay.
        settle_s: seconds without a further film after which a study is complete.
        settle_of: by source, `settle_s` of sources that have their own value.
    """

    identity: Identity = "nobody"
    waiting_cap_s: float = CAP_S
    kept_days: float | None = None
    kept_of: Mapping[str, float | None] = field(default_factory=dict)
    settle_s: float = SETTLE_S
    settle_of: Mapping[str, float] = field(default_factory=dict)


def read(connection: Connection) -> SiteSettings:
    """Return the stored settings."""
    known = {row.name: row.value for row in connection.execute(select(settings))}
    identity = known.get(_IDENTITY, "nobody")
    return SiteSettings(
        identity="lead" if identity == "lead" else "reader" if identity == "reader" else "nobody",
        waiting_cap_s=float(known.get(_CAP, CAP_S)),
        kept_days=_days(known.get(_KEPT, "")),
        kept_of={
            name.removeprefix(_KEPT_OF): _days(value) for name, value in known.items() if name.startswith(_KEPT_OF)
        },
        settle_s=float(known.get(SETTLE, SETTLE_S)),
        settle_of={
            name.removeprefix(SETTLE_OF): float(value) for name, value in known.items() if name.startswith(SETTLE_OF)
        },
    )


def _days(value: str) -> float | None:
    return float(value) if value else None


class StoredSettings:
    """Settings of a site: `store.settings`. It does not check roles: the program that offers it to people does.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.settings.change(actor="lead", waiting_cap_s=4 * 3600.0).waiting_cap_s
    14400.0
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def read(self) -> SiteSettings:
        """Return the settings of the site."""
        with self._site.database.reading() as connection:
            return read(connection)

    def change(
        self,
        *,
        actor: str,
        identity: Identity | None = None,
        identity_was: Identity | None = None,
        waiting_cap_s: float | None = None,
        kept_days: float | None = None,
        kept_of: Mapping[str, float | None] | None = None,
        settle_s: float | None = None,
        settle_of: Mapping[str, float | None] | None = None,
    ) -> SiteSettings:
        """Change the settings that are given, log each change, and return all settings.

        Args:
            actor: for the audit trail.
            identity: from which role on people see names.
            identity_was: what `identity` must be until now; None: anything.
            waiting_cap_s: seconds for which priorities may keep a study waiting.
            kept_days: days after which studies that are done are removed; 0: none is removed by age.
            kept_of: the same by source; None: that source has no period of its own any more.
            settle_s: for films that come from now on.
            settle_of: the same by source, as `kept_of`.

        Raises:
            NotAllowedError: `identity` is not `identity_was`.
            WorklistError: a value is not permitted.
        """
        with self._site.writing() as writing:
            if identity_was is not None and (now := read(writing.connection).identity) != identity_was:
                raise NotAllowedError(
                    f"Who sees names was changed meanwhile: it is now {now}, and this change was made from "
                    f"{identity_was}. Nothing was changed. Look again, then change it."
                )
            if identity is not None:
                if identity not in get_args(Identity):
                    raise WorklistError(f"{str(identity)[:40]!r}: names are shown to {', '.join(get_args(Identity))}.")
                _set(writing, _IDENTITY, identity, actor=actor)
            if waiting_cap_s is not None:
                set_cap(writing, waiting_cap_s, actor=actor)
            if kept_days is not None:
                _set(writing, _KEPT, _checked(kept_days), actor=actor)
            for source, days in (kept_of or {}).items():
                name = _KEPT_OF + checked_text(source, "The source", most=200)
                if days is not None:
                    _set(writing, name, _checked(days), actor=actor)
                elif writing.connection.execute(settings.delete().where(settings.c.name == name)).rowcount:
                    writing.log(actor, "setting.changed", name, value=None)
            set_settle_s(writing, settle_s, of=settle_of, actor=actor)
            return read(writing.connection)

    def set_settle_s(
        self, seconds: float | None = None, *, of: Mapping[str, float | None] | None = None, actor: str
    ) -> None:
        """Set for how long no film of a study must come before it is complete; `of`: by source, None: as the site."""
        with self._site.writing() as writing:
            set_settle_s(writing, seconds, of=of, actor=actor)

    def set_waiting_cap_s(self, seconds: float, *, actor: str) -> None:
        """Set how long priorities may keep a study waiting; from then on it goes before them."""
        with self._site.writing() as writing:
            set_cap(writing, seconds, actor=actor)


def _checked(days: float) -> str:
    """Return days as they are stored."""
    if days != 0 and not 1 <= days <= MOST_DAYS:
        raise WorklistError(f"{days:g} days: give 1 to {MOST_DAYS:,}, or 0 for no removal by age.")
    return repr(float(days)) if days else ""


def _set(writing: Writing, name: str, value: str, *, actor: str) -> None:
    found = writing.connection.execute(settings.update().where(settings.c.name == name).values(value=value))
    if not found.rowcount:
        writing.connection.execute(settings.insert().values(name=name, value=value))
    writing.log(actor, "setting.changed", name, value=value)
