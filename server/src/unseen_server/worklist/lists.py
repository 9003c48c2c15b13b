"""`Lists`: the part of a `Store` by which studies are listed, kept views among them, and several acted on at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen_server.worklist import listing, overdue_updates, saved_views, several
from unseen_server.worklist.filtering import ME, NOBODY, Filters, FlagRule
from unseen_server.worklist.tables import accounts, findings

if TYPE_CHECKING:
    from unseen_server.worklist.listing import Page
    from unseen_server.worklist.places import SortOrder, Tab
    from unseen_server.worklist.saved_views import SavedView
    from unseen_server.worklist.several import OnSeveral
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.states import State


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Values by which the list can be filtered: sources and view positions of studies, and accounts that can read."""

    sources: list[str]
    views: list[str]
    readers: list[str]


class Lists:
    """List of one worklist. It does not check roles: the program that offers it to people does."""

    site: Site
    claim_s: float

    def page(
        self,
        tab: Tab = "to_read",
        *,
        source: str | None = None,
        state: State | None = None,
        view: str | None = None,
        flag: FlagRule | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        assigned: str | None = None,
        disagreement: bool = False,
        text: str | None = None,
        whole: bool = False,
        order: SortOrder = "list",
        reverse: bool = False,
        after: str | None = None,
        before: str | None = None,
        last: bool = False,
        limit: int = 50,
        blind: bool = True,
        reader: str | None = None,
        refusal: str | None = None,
        grouped: bool = False,
    ) -> Page:
        """Some rows of the list.

        tab     to_read (what was not scored first, then what waits too long, then by priority), not_scored (its top),
                cleared, reported (both: latest first), all (latest received first). Every study is on one of to_read,
                cleared, reported, and on `all`
        source  of this source alone
        state   in this state alone
        view    whose frontal film has this ViewPosition; of a study of laterals, any film
        flag    that carry the flag, or do not
        since, until  received then or later, and before
        assigned      to this account; `@me`: to `reader`; `@nobody`: to nobody
        disagreement  on which models' shares lie half or more apart (`disagreement`); not on a blind page
        text    whose accession number, patient, StudyInstanceUID, file name or own name is this, or whose accession
                number or patient begins so: three characters or more as they are stored, eight of a pseudonym
        whole   `text` is no beginning: for who must not find out a number character by character
        order   list; received: oldest first; score: lowest first, without a score before (not on a blind page);
                source: by name, then as in the list
        reverse the other way round
        after, before, last   a cursor of an earlier page, or the last page; none: the first
        blind   leave out what would tell a sampled study from the others; for readers, where a policy clears
        reader  whose `seen` the rows have; None: nobody's
        refusal   only studies that were not scored for this reason (`refusals.parted`)
        grouped   leave out what stands in `Page.groups`: many studies that were not scored for one reason

        Raises WorklistError for a damaged cursor, no such tab, state or order, a limit outside 1 to 200;
        NotAllowedError for an order or a filter that a blind page must not have.
        """
        wanted = listing.ListQuery(
            tab=tab,
            filters=Filters(
                source=source,
                state=state,
                view=view,
                flag=flag,
                since_us=None if since is None else int(since.timestamp() * 1e6),
                until_us=None if until is None else int(until.timestamp() * 1e6),
                assigned=(reader or NOBODY) if assigned == ME else assigned,
                disagreement=disagreement,
                refusal=refusal,
                text=text,
                whole=whole,
            ),
            order=order,
            reverse=reverse,
            after=after,
            before=before,
            last=last,
            limit=limit,
            blind=blind,
            reader=reader,
            grouped=grouped,
        )
        now_us = due_us = self.site.now_us()
        while True:
            with self.site.database.reading() as connection:
                page = listing.page(connection, self.site.names, wanted, now_us=now_us, due_us=due_us)
            if page is not None:
                return page
            overdue_updates.bring_up_to_date(self.site)
            due_us = 0  # with another writer in the way, the page is in the order of a moment ago

    def sources(self) -> list[str]:
        """The sources that studies have, by name."""
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
        """SHA-256 of the weights of each model that has scored films here."""
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
        """Return films that cannot be shown to their senders; a study without such a film is refused.

        broken  by study, the films that cannot be shown, as the caller has found out
        """
        with self.site.writing() as writing:
            return several.send_back(
                writing, studies, reader, reason, broken=broken, lasts_us=int(self.claim_s * 1e6)
            )  # fmt: skip

    # saved views ------------------------------------------------------------------------------------------------------

    def views(self, account: str) -> list[SavedView]:
        """The views of the list that an account keeps, and those that are shared with everybody."""
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
