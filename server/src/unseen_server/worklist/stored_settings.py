"""`StoredSettings`: the settings of a site, for all its servers.

Table: settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unseen_server.worklist import settle_time, site_settings, waiting_cap

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.site_settings import Identity, SiteSettings


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
            return site_settings.read(connection)

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
        """Change what is given (`site_settings.SiteSettings`).

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
            return site_settings.change(
                writing,
                actor=actor,
                identity=identity,
                identity_was=identity_was,
                waiting_cap_s=waiting_cap_s,
                kept_days=kept_days,
                kept_of=kept_of,
                settle_s=settle_s,
                settle_of=settle_of,
            )

    def set_settle_s(
        self, seconds: float | None = None, *, of: Mapping[str, float | None] | None = None, actor: str
    ) -> None:
        """Set for how long no film of a study must come before it is complete; `of`: by source, None: as the site."""
        with self._site.writing() as writing:
            settle_time.set_settle_s(writing, seconds, of=of, actor=actor)

    def set_waiting_cap_s(self, seconds: float, *, actor: str) -> None:
        """Set how long priorities may keep a study waiting; from then on it goes before them."""
        with self._site.writing() as writing:
            waiting_cap.set_cap(writing, seconds, actor=actor)
