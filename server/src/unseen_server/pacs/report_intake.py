"""The one way in for reports, whether they come by HL7 or by FHIR: codes and text become an outcome, and are counted.

The text is read for the site's table, and not kept.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from unseen_server.worklist.hidden_places import without_places
from unseen_server.worklist.outside_reports import MOST_PATIENTS, OutsideReport

if TYPE_CHECKING:
    from unseen_server.service.outside_report_codes import ReportCodes
    from unseen_server.worklist.outside_reports import Status, What
    from unseen_server.worklist.states import WorklistError
    from unseen_server.worklist.store import Store

MOST_IDENTIFIERS: Final = MOST_PATIENTS
"""Different numbers of one patient, or of one study; real reports have two or three."""
MOST_ORDERS: Final = 500
"""Different orders (OBR), results or entries of one message."""

_log = logging.getLogger("unseen")


@dataclass(frozen=True, kw_only=True)
class ReceivedReport:
    """Report as HL7 or FHIR delivered it; see `OutsideReport` for what is not here.

    Args:
        codes: of the report's coded entries.
        text: all of its text that counts.
    """

    system: str
    accession: str = field(default="", repr=False)
    study_uid: str = field(default="", repr=False)
    patients: tuple[str, ...] = field(default=(), repr=False)
    status: Status
    codes: tuple[str, ...] = field(default=(), repr=False)
    text: str = field(default="", repr=False)
    issued_us: int | None = None
    sent_us: int | None = None


class ReportIntake:
    """Takes reports into a store by a site's table, from any thread."""

    def __init__(self, store: Store, codes: ReportCodes) -> None:
        self._store, self._codes = store, codes
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def take(self, report: ReceivedReport) -> What:
        """Enter a report; when this returns it is durable. Raises WorklistError."""
        match = self._codes.read(codes=report.codes, text=report.text)
        withdrawn = report.status == "withdrawn"
        what = self._store.outside_reports.take(
            OutsideReport(
                system=report.system,
                accession=report.accession,
                study_uid=report.study_uid,
                patients=report.patients,
                status=report.status,
                outcome=None if withdrawn else match.outcome,
                note="" if withdrawn or not match.rule else f"By the {match.rule}.",
                content="\0".join((*report.codes, report.text)),
                issued_us=report.issued_us,
                sent_us=report.sent_us,
            )
        )
        with self._lock:
            self._counts[what, match.outcome or "none"] += 1
        _log.info("report.received system=%s status=%s what=%s", report.system, report.status, what)
        return what

    def merge(self, *, prior: str, surviving: str, issuer: str | None, system: str) -> bool:
        """Merge two numbers of a patient; False where that changes nothing. Raises WorklistError."""
        names = self._store.names
        if names.of("patient", prior) == names.of("patient", surviving):
            return False
        return not self._store.studies.merge_patients(
            prior=prior, surviving=surviving, issuer=issuer, actor=system
        ).already

    def sentence(self, error: WorklistError) -> str:
        """Return the sentence of an error for its sender: without the server's paths and addresses."""
        return without_places(str(error), self._store)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of reports since the start, by what they led to and their outcome ("none" where no rule
        matched).
        """
        with self._lock:
            return dict(self._counts)
