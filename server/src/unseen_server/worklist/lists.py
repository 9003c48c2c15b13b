"""`Lists`: the part of a `Store` by which studies are listed, kept views among them, and several acted on at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import select

from unseen_server.worklist import listing, overdue_updates, saved_views, several
from unseen_server.worklist.tables import accounts, findings

if TYPE_CHECKING:
    from unseen_server.worklist.listing import Page
    from unseen_server.worklist.saved_views import SavedView
    from unseen_server.worklist.several import OnSeveral
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.study_query import StudyQuery


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Values by which the list can be filtered: sources and view positions of studies, and accounts that can read."""

    sources: Annotated[list[str], Field(description="that studies have, by name")]
    views: Annotated[list[str], Field(description="ViewPositions that studies have")]
    readers: Annotated[list[str], Field(description="accounts that studies can be assigned to")]


class Lists:
    """List of one worklist. It does not check roles: the program that offers it to people does."""

    site: Site
    claim_s: float

    def page(self, query: StudyQuery) -> Page:
        """Return a page of the list. Raises WorklistError and NotAllowedError, see `listing.page`."""
        now_us = due_us = self.site.now_us()
        while True:
            with self.site.database.reading() as connection:
                page = listing.page(connection, self.site.names, query, now_us=now_us, due_us=due_us)
            if page is not None:
                return page
            overdue_updates.bring_up_to_date(self.site)
            due_us = 0  # with another writer in the way, the page is in the order of a moment ago

    def sources(self) -> list[str]:
        """Return the sources that studies have, by name."""
        with self.site.database.reading() as connection:
            return listing.sources(connection)

    def choices(self) -> Choices:
        """Return the values by which the list can be filtered."""
        reads = (accounts.c.disabled_us.is_(None), accounts.c.role != "sender")
        can_read = select(accounts.c.name).where(*reads).order_by(accounts.c.name)
        with self.site.database.reading() as connection:
            return Choices(
                sources=listing.sources(connection),
                views=listing.views(connection),
                readers=list(connection.execute(can_read).scalars()),
            )

    def models_with_findings(self) -> list[str]:
        """Return the SHA-256 of the weights of each model that has scored films here."""
        with self.site.database.reading() as connection:
            return listing.values(connection, findings.c.model)

    # several studies at once ------------------------------------------------------------------------------------------

    def assign(self, studies: Sequence[str], reader: str | None, *, actor: str) -> OnSeveral:
        """Assign studies to a reader, or to nobody; anybody may still read them. Raises NotFoundError."""
        with self.site.writing() as writing:
            return several.assign(writing, studies, reader, actor=actor)

    def requeue_several(self, studies: Sequence[str], *, actor: str) -> OnSeveral:
        """Have those films of the studies scored again that could not be."""
        with self.site.writing() as writing:
            return several.requeue(writing, studies, actor=actor)

    def return_several(
        self, studies: Sequence[str], reader: str, reason: str, *, broken: Mapping[str, Collection[str]]
    ) -> OnSeveral:
        """Return the films that cannot be shown to their senders; a study without such a film is refused.

        broken  by study, the films that cannot be shown, as the caller has found out
        """
        with self.site.writing() as writing:
            return several.send_back(
                writing, studies, reader, reason, broken=broken, lasts_us=int(self.claim_s * 1e6)
            )  # fmt: skip

    # saved views ------------------------------------------------------------------------------------------------------

    def views(self, account: str) -> list[SavedView]:
        """Return the views of the list that an account keeps, and those that are shared with everybody."""
        with self.site.database.reading() as connection:
            return saved_views.views_of(connection, account)

    def save_view(self, account: str, name: str, wanted: Mapping[str, object], *, shared: bool = False) -> int:
        """Keep a view, in place of the account's own of that name; returns its number."""
        with self.site.writing() as writing:
            return saved_views.save(writing, account, name, wanted, shared=shared)

    def remove_view(self, number: int, account: str, *, as_lead: bool = False) -> None:
        """Remove a view of one's own; a lead may remove a shared one. Raises NotFoundError, NotAllowedError."""
        with self.site.writing() as writing:
            saved_views.remove(writing, number, account, as_lead=as_lead)
