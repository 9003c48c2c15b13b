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
    """Settings of a site: `store.settings`. It does not check who asks: the program that offers it to people does."""

    site: Site

    def settings(self) -> SiteSettings:
        """Return the settings of the site."""
        with self.site.database.reading() as connection:
            return site_settings.read(connection)

    def change_settings(
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

        identity_was  what `identity` must be until now; None: anything. Raises NotAllowedError for another value
        kept_days  0: nothing is removed by age
        kept_of    the same by source; None: that source has no period of its own any more
        settle_s   for films that come from now on; `settle_of` as `kept_of`
        """
        with self.site.writing() as writing:
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
        """For how long no film of a study must come before it is complete; `of`: by source, None there: as the site."""
        with self.site.writing() as writing:
            settle_time.set_settle_s(writing, seconds, of=of, actor=actor)

    def set_waiting_cap_s(self, seconds: float, *, actor: str) -> None:
        """Set how long priorities may keep a study waiting; from then on it goes before them."""
        with self.site.writing() as writing:
            waiting_cap.set_cap(writing, seconds, actor=actor)
