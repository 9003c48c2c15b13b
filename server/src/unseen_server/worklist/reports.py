"""`Reports`: readers' reports and drafts, and the labels that reports give.

Tables: reports, drafts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from unseen_server.worklist import audit_sample, labels, report_entry, several, training_patients

if TYPE_CHECKING:
    from unseen_server.worklist.audit_sample import AuditSample
    from unseen_server.worklist.labels import LabelledFilm, Origin
    from unseen_server.worklist.report_entry import Aside, Outcome
    from unseen_server.worklist.several import OnSeveral
    from unseen_server.worklist.site import Site


class Reports:
    """Reports of a worklist: `store.reports`. It does not check roles: the program that offers it to people does.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.reports.labelled()
    []
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def enter(
        self,
        study: str,
        reader: str,
        outcome: Outcome,
        note: str = "",
        *,
        simulated: bool = False,
        dwell_ms: int | None = None,
    ) -> None:
        """Report a study that one has taken: normal, abnormal or unsure.

        Args:
            study: name of the study.
            reader: who reports.
            outcome: of the report.
            note: of the reader.
            simulated: by a program that knows the truth, for demonstrations: films need not have been shown.
            dwell_ms: milliseconds from the first display of a film of it to the report; None: no page has shown one.

        Raises:
            NotAllowedError: a frontal film was not shown to the reader (`WorklistFilms.mark_seen`), `dwell_ms` is below
                `report_entry.LEAST_DWELL_MS`, or another reader has the study.
        """
        with self._site.writing() as writing:
            report_entry.report(writing, study, reader, outcome, note, simulated=simulated, dwell_ms=dwell_ms)

    def keep_draft(self, study: str, reader: str, note: str) -> None:
        """Keep what a reader has written of a study, until they report it; "" removes it. Raises NotFoundError."""
        with self._site.writing() as writing:
            report_entry.keep_draft(writing, study, reader, note)

    def undo(self, study: str, reader: str, *, as_lead: bool = False) -> None:
        """Take one's report back, and the study in hand again; a lead may take back another's."""
        with self._site.writing() as writing:
            report_entry.undo(writing, study, reader, as_lead=as_lead, lasts_us=int(self._site.claim_s * 1e6))

    def set_aside(self, study: str, reader: str, how: Aside, reason: str, *, films: Collection[str]) -> bool:
        """Return films that cannot be shown to their sender, or discard them; True where no film is left to report.

        Args:
            study: name of the study.
            reader: who does it.
            how: "returned" or "discarded".
            reason: for the audit trail.
            films: those of the study that cannot be shown, as the caller has found out.

        Raises:
            NotAllowedError: one of them was shown to somebody.
            WorklistError: there is no reason.
        """
        with self._site.writing() as writing:
            return report_entry.set_aside(writing, study, reader, how, reason, films_of_it=films)

    def return_several(
        self, studies: Sequence[str], reader: str, reason: str, *, broken: Mapping[str, Collection[str]]
    ) -> OnSeveral:
        """Return films that cannot be shown to their senders; a study without such a film is refused.

        Args:
            studies: names of the studies.
            reader: who does it.
            reason: for the audit trail.
            broken: by study, the films that cannot be shown, as the caller has found out.
        """
        with self._site.writing() as writing:
            return several.send_back(
                writing, studies, reader, reason, broken=broken, lasts_us=int(self._site.claim_s * 1e6)
            )  # fmt: skip

    def confirm(self, study: str, reader: str) -> None:
        """Confirm another system's report, as a reader who has seen the films and agrees; see `labels.confirmed`.

        Raises NotAllowedError where there is no such report, or a frontal film was not shown to the reader.
        """
        with self._site.writing() as writing:
            report_entry.confirm(writing, study, reader)

    def reported_elsewhere(
        self,
        *,
        accession: str | None = None,
        film_sha256: str | None = None,
        outcome: Outcome | None = None,
        note: str = "",
        actor: str = "unseen",
    ) -> int:
        """Take studies off the list that another system has reported; returns how many were not so already.

        One that was so already without an outcome gets this outcome, and counts.

        Raises NotFoundError, and NotAllowedError where one was reported here, or elsewhere with another outcome.
        """
        with self._site.writing() as writing:
            found = report_entry.studies_of(writing, accession=accession, film_sha256=film_sha256)
            return report_entry.elsewhere(writing, found, actor=actor, outcome=outcome, note=note)

    def labelled(self, *, most: int = 20_000, origins: Collection[Origin] = labels.SEEN) -> list[LabelledFilm]:
        """Return films of studies whose standing report is normal or abnormal, with all scores.

        Films that came after the report are left out: the report is not about them.

        Args:
            most: the latest so many.
            origins: of the reports that count: by default those on films that were shown to their reader.
        """
        with self._site.database.reading() as connection:
            return labels.labelled(connection, most=most, origins=origins)

    def training_patients(self, training_films: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
        """Return by model the patients of its training films, and patients with copies of their films.

        Args:
            training_films: by model, pixel digests.
        """
        with self._site.database.reading() as connection:
            return training_patients.training_patients_of(connection, training_films)

    def unseen_labels(self) -> Mapping[Origin, int]:
        """Return the number of reported studies that are not labels by themselves, by the origin of their reports."""
        with self._site.database.reading() as connection:
            return labels.unseen_labels(connection)

    def audit_sample(self) -> AuditSample:
        """Return readers' reports on the cleared studies that were read anyway."""
        with self._site.database.reading() as connection:
            return audit_sample.audit_sample(connection)
