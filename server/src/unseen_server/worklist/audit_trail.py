"""`AuditTrail`: search and verification of the audit trail, over the hash chain of `audit`.

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
    """Audit trail of a worklist: `store.audit`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.audit.verify() is None
    True
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def head(self) -> AuditHead:
        """Return the head of the audit trail; written down elsewhere, it proves the trail up to there."""
        with self._site.database.reading() as connection:
            return audit.head(connection)

    def verify(self, head: AuditHead | None = None, *, actor: str | None = None) -> str | None:
        """Verify the trail up to the head that is kept beside the store, and up to `head`.

        Args:
            head: one that was written down elsewhere.
            actor: who asks: the result is then on record, too.

        Returns:
            None if the trail is whole, otherwise a sentence that says where it is not.
        """
        heads: Mapping[str, AuditHead] = {} if head is None else {"the head that was given": head}
        if (kept := kept_head(self._site.home)) is not None:
            heads = {**heads, str(self._site.home / HEAD): kept}
        with self._site.database.reading() as connection:
            broken, rows = audit.first_break(connection, heads), audit.head(connection).seq
        if actor is not None:
            with self._site.writing() as writing:
                writing.log(actor, "audit.verified", "audit", whole=broken is None, rows=rows)
        return broken

    def after(self, seq: int, *, most: int) -> list[Event]:
        """Return the rows of the audit trail after this number, oldest first."""
        with self._site.database.reading() as connection:
            return audit.after(connection, seq, most=most)

    def search(self, sought: AuditSearch) -> Matches:
        """Return rows of the audit trail, the latest first. Raises WorklistError for a limit outside 1 to 200."""
        with self._site.database.reading() as connection:
            return audit_search.search(connection, self._site.names, sought)
