"""`AuditTrail`: reading and verifying the audit trail. Every transaction appends to it (`site.Site.writing`).

Table: audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unseen_server.worklist import audit, audit_search
from unseen_server.worklist.audit_head import HEAD, kept_head

if TYPE_CHECKING:
    from unseen_server.worklist.audit import AuditHead, Event
    from unseen_server.worklist.audit_search import AuditSearch, Matches
    from unseen_server.worklist.site import Site


class AuditTrail:
    """Audit trail of a worklist: `store.audit`."""

    site: Site

    def audit_head(self) -> AuditHead:
        """Return the head of the audit trail; written down elsewhere, it proves the trail up to there."""
        with self.site.database.reading() as connection:
            return audit.head(connection)

    def verify_audit(self, head: AuditHead | None = None, *, actor: str | None = None) -> str | None:
        """None where the trail is whole up to the head kept beside the store and up to `head`; else a sentence.

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
        """Rows of the audit trail after this number, oldest first."""
        with self.site.database.reading() as connection:
            return audit.after(connection, seq, most=most)

    def search_audit(self, sought: AuditSearch) -> Matches:
        """Rows of the audit trail, the latest first. Raises WorklistError for a limit outside 1 to 200."""
        with self.site.database.reading() as connection:
            return audit_search.search(connection, self.site.names, sought)
