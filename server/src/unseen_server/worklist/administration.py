"""`Administration`: the part of a `Store` for whoever runs it: settings, queue, storage, audit, erasing, retiring."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from unseen_server.worklist import (
    audit,
    audit_search,
    film_removal,
    model_retirement,
    queue_state,
    retention,
    schema,
    site_settings,
    sources,
    storage_used,
)
from unseen_server.worklist.audit_head import HEAD, kept_head
from unseen_server.worklist.states import DONE

if TYPE_CHECKING:
    from unseen_server.worklist.audit import AuditHead, Event
    from unseen_server.worklist.audit_search import AuditSearch, Matches
    from unseen_server.worklist.model_retirement import KnownModel
    from unseen_server.worklist.queue_state import Failed, Queue
    from unseen_server.worklist.retention import Foreseen, Removed
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.site_settings import Identity, SiteSettings
    from unseen_server.worklist.sources import Source
    from unseen_server.worklist.states import State
    from unseen_server.worklist.storage_used import Storage


class Administration:
    """Administration of one worklist. It does not check who asks: the program that offers it to people does."""

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

    def queue(self) -> Queue:
        """Return the numbers of films that wait, are done and could not be scored, and how old the oldest waiting one
        is.
        """
        with self.site.database.reading() as connection:
            return queue_state.queue(connection, now_us=self.site.now_us())

    def failed(self, *, most: int = 50) -> list[Failed]:
        """Return the films that no worker could score, and those that are tried again; the latest `most`."""
        with self.site.database.reading() as connection:
            return queue_state.failed(connection, most=most)

    def storage(self) -> Storage:
        """Return the disk space in use by type, in bytes, and the free space of the disk. Looks at every file."""
        return storage_used.measure(self.site)

    def by_source(self) -> list[Source]:
        """Return the sources with what each has sent."""
        return sources.by_source(self.site)

    def schema(self) -> str:
        """Return the revision of the database's schema."""
        with self.site.database.reading() as connection:
            return schema.revision(connection) or ""

    # the audit trail ------------------------------------------------------------------------------------------------

    def audit_head(self) -> AuditHead:
        """Return the head of the audit trail; written down elsewhere, it proves the trail up to there."""
        with self.site.database.reading() as connection:
            return audit.head(connection)

    def verify_audit(self, head: AuditHead | None = None, *, actor: str | None = None) -> str | None:
        """Verify the trail up to the head kept next to the store and up to `head`: None where it is whole, else a
        sentence.

        actor  who asked: the result is then on record, too
        """
        heads: Mapping[str, AuditHead] = {} if head is None else {"the head that was given": head}
        if (kept := kept_head(self.site.home)) is not None:
            heads = {**heads, str(self.site.home / HEAD): kept}
        with self.site.database.reading() as connection:
            broken, rows = audit.first_break(connection, heads), audit.head(connection).seq
        if actor is not None:
            with self.site.writing() as writing:
                writing.log(actor, "audit.verified", "audit", whole=broken is None, rows=rows)
        return broken

    def audit_after(self, seq: int, *, most: int) -> list[Event]:
        """Return the rows of the audit trail after this number, oldest first."""
        with self.site.database.reading() as connection:
            return audit.after(connection, seq, most=most)

    def search_audit(self, sought: AuditSearch) -> Matches:
        """Return the rows of the audit trail, the latest first. Raises WorklistError for a limit outside 1 to 200."""
        with self.site.database.reading() as connection:
            return audit_search.search(connection, self.site.names, sought)

    # what is removed ------------------------------------------------------------------------------------------------

    def foresee_erasure(
        self, *, patient: str | None = None, issuer: str | None = None, study: str | None = None
    ) -> Foreseen:
        """Preview an erasure. Raises as `erase` does."""
        return retention.foresee(self.site, patient=patient, issuer=issuer, study=study)

    def erase(
        self,
        *,
        patient: str | None = None,
        issuer: str | None = None,
        study: str | None = None,
        actor: str,
        as_shown: str | None = None,
    ) -> Removed:
        """Remove all films, maps, rows of a patient (PatientID, and its issuer where several use it), or of a study.

        as_shown  `Foreseen.digest`: nothing is erased where the studies have changed since

        Raises NotFoundError for a patient without studies, NotAllowedError for a number of several issuers.
        """
        return retention.erase(self.site, patient=patient, issuer=issuer, study=study, actor=actor, as_shown=as_shown)

    def retire(
        self, *, older_than_days: float, states: Sequence[State] = DONE, actor: str, source: str | None = None
    ) -> Removed:
        """Remove studies that have been cleared, reported or reported elsewhere for longer than this."""
        return retention.retire(self.site, older_than_days=older_than_days, states=states, actor=actor, source=source)

    def count_old(self, *, older_than_days: float, source: str | None = None) -> int:
        """Return the number of studies that `retire` would remove."""
        return retention.count_old(self.site, older_than_days=older_than_days, source=source)

    def retire_by_age(self) -> int:
        """Remove what the settings no longer keep; returns how many studies. A server calls this once in a while."""
        return retention.retire_by_age(self.site)

    def retire_film(self, film: str, *, actor: str) -> Removed:
        """Remove one film from a study that waits; the study is judged by the others, and goes with its last film.

        Raises NotFoundError, and NotAllowedError where the study is in a reader's hands or reported.
        """
        return film_removal.retire_film(self.site, film, actor=actor)

    def models(self) -> list[KnownModel]:
        """Return the models that have scored films here, the latest first."""
        with self.site.database.reading() as connection:
            return model_retirement.models(connection)

    def retire_model(self, model: str, *, actor: str, in_use: Collection[str] = ()) -> Removed:
        """Remove a model's findings, anomaly maps and renditions; decisions and reports stay.

        model   SHA-256 of its weights
        in_use  those that score at present

        Raises NotFoundError, NotAllowedError for one in use or in force, WorklistError while studies wait in its order.
        """
        return model_retirement.retire_model(self.site, model, actor=actor, in_use=in_use)
