"""`Studies`: the studies of a worklist, listed, described, claimed and assigned.

Tables: studies, merged, merged_patients, terms, decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import select

from unseen_server.worklist import (
    completeness,
    details,
    identity_review,
    listing,
    overdue_updates,
    patient_merging,
    several,
    sources,
    study_claims,
)
from unseen_server.worklist.tables import accounts

if TYPE_CHECKING:
    from unseen_server.worklist.details import PriorStudy, StudyDetails
    from unseen_server.worklist.listing import Page
    from unseen_server.worklist.patient_merging import Merged
    from unseen_server.worklist.several import OnSeveral
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.sources import Source
    from unseen_server.worklist.study_query import StudyQuery


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Values by which the list can be filtered: sources and view positions of studies, and accounts that can read."""

    sources: Annotated[list[str], Field(description="that studies have, by name")]
    views: Annotated[list[str], Field(description="ViewPositions that studies have")]
    readers: Annotated[list[str], Field(description="accounts that studies can be assigned to")]


class Studies:
    """Studies of a worklist: `store.studies`. It does not check roles: the program that offers it to people does.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store, StudyQuery
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.studies.page(StudyQuery()).total
    0
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def page(self, query: StudyQuery) -> Page:
        """Return a page of the list. Raises WorklistError and NotAllowedError, see `listing.page`."""
        now_us = due_us = self._site.now_us()
        while True:
            with self._site.database.reading() as connection:
                page = listing.page(connection, self._site.names, query, now_us=now_us, due_us=due_us)
            if page is not None:
                return page
            overdue_updates.bring_up_to_date(self._site)
            due_us = 0  # with another writer in the way, the page is in the order of a moment ago

    def choices(self) -> Choices:
        """Return the values by which the list can be filtered."""
        reads = (accounts.c.disabled_us.is_(None), accounts.c.role != "sender")
        can_read = select(accounts.c.name).where(*reads).order_by(accounts.c.name)
        with self._site.database.reading() as connection:
            return Choices(
                sources=listing.sources(connection),
                views=listing.views(connection),
                readers=list(connection.execute(can_read).scalars()),
            )

    def sources(self) -> list[str]:
        """Return the sources that studies have, by name."""
        with self._site.database.reading() as connection:
            return listing.sources(connection)

    def by_source(self) -> list[Source]:
        """Return the sources with what each has sent."""
        return sources.by_source(self._site)

    def details(self, study: str, *, blind: bool = True, reader: str | None = None) -> StudyDetails:
        """Return everything about one study; `reader` as in `StudyQuery`. Raises NotFoundError."""
        with self._site.database.reading() as connection:
            return details.study(connection, study, now_us=self._site.now_us(), blind=blind, reader=reader)

    def priors(self, study: str, *, skip: int = 0) -> list[PriorStudy]:
        """Return up to 20 of the patient's other studies, the latest first; none without a patient number.

        Args:
            study: the study that is read.
            skip: the number of later ones that are left out.

        Raises:
            NotFoundError: the study is unknown.
        """
        with self._site.database.reading() as connection:
            return details.priors(connection, study, skip=skip)

    def count_priors(self, study: str) -> int:
        """Return the number of the patient's other studies. Raises NotFoundError."""
        with self._site.database.reading() as connection:
            return details.count_priors(connection, study)

    def mark_complete(self, uid: str, *, source: str, actor: str) -> bool:
        """Mark a study as complete, as its sender says.

        Args:
            uid: StudyInstanceUID.
            source: of the study.
            actor: for the audit trail.

        Returns:
            False if no film of the study is waited for.
        """
        with self._site.writing() as writing:
            return completeness.close(writing, uid, source=source, actor=actor)

    def claim(self, study: str, reader: str) -> datetime:
        """Take a study for reading; returns until when. Raises NotAllowedError, with who has it since when."""
        with self._site.writing() as writing:
            return study_claims.claim(writing, study, reader, lasts_us=int(self._site.claim_s * 1e6))

    def release(self, study: str, reader: str, *, as_lead: bool = False) -> None:
        """Release a study unreported; a lead may release another reader's study."""
        with self._site.writing() as writing:
            study_claims.release(writing, study, reader, as_lead=as_lead)

    def assign(self, studies: Sequence[str], reader: str | None, *, actor: str) -> OnSeveral:
        """Assign studies to a reader, or to nobody; anybody may still read them. Raises NotFoundError."""
        with self._site.writing() as writing:
            return several.assign(writing, studies, reader, actor=actor)

    def merge_patients(self, *, prior: str, surviving: str, issuer: str | None = None, actor: str) -> Merged:
        """Merge two numbers of one patient (`patient_merging.merge_patients`), and join the studies that then agree."""
        with self._site.writing() as writing:
            merged = patient_merging.merge_patients(
                writing, prior=prior, surviving=surviving, issuer=issuer, actor=actor
            )
            for uid in merged.uids:
                identity_review.review(writing, uid, actor=actor)
            return merged
