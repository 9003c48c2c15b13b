"""`Removal`: erasing patients and studies, retiring old studies, single films and models.

It removes rows of all tables and the files that they name; it has no table of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from unseen_server.worklist import erasure, film_removal, model_findings_removal, retention
from unseen_server.worklist.states import DONE

if TYPE_CHECKING:
    from datetime import datetime

    from unseen_server.worklist.erasure import Foreseen
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.states import State
    from unseen_server.worklist.study_removal import Removed


class Removal:
    """Removal from a worklist: `store.removal`. It does not check roles: the program that offers it to people does.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.removal.count_old(older_than_days=365)
    0
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def foresee(self, *, patient: str | None = None, issuer: str | None = None, study: str | None = None) -> Foreseen:
        """Preview an erasure. Raises as `erase` does."""
        return erasure.foresee(self._site, patient=patient, issuer=issuer, study=study)

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

        Args:
            patient: PatientID; this or `study` must be given.
            issuer: of the number. Reports that wait for their films name no issuer: all under this number are removed.
            study: name of the study.
            actor: for the audit trail.
            as_shown: `Foreseen.digest`: nothing is erased if the studies have changed since.

        Raises:
            NotFoundError: the patient has no studies.
            NotAllowedError: several issuers use the number.
        """
        return erasure.erase(self._site, patient=patient, issuer=issuer, study=study, actor=actor, as_shown=as_shown)

    def retire(
        self, *, older_than_days: float, states: Sequence[State] = DONE, actor: str, source: str | None = None
    ) -> Removed:
        """Remove studies that have been cleared, reported or reported elsewhere for longer than this."""
        return retention.retire(self._site, older_than_days=older_than_days, states=states, actor=actor, source=source)

    def count_old(self, *, older_than_days: float, source: str | None = None) -> int:
        """Return the number of studies that `retire` would remove."""
        return retention.count_old(self._site, older_than_days=older_than_days, source=source)

    def retire_by_age(self) -> int:
        """Remove what the settings no longer keep; returns how many studies. A server calls this every hour.

        After a check that is more than a day later than the one before, nothing is removed for three days: the clock
        may be wrong (`waits_until`).
        """
        return retention.retire_by_age(self._site)

    def waits_until(self) -> datetime | None:
        """Return until when `retire_by_age` removes nothing because the clock may be wrong; None: it removes."""
        return retention.waits_until(self._site)

    def retire_film(self, film: str, *, actor: str) -> Removed:
        """Remove one film from a study that waits; the study is judged by the others, and goes with its last film.

        Raises NotFoundError, and NotAllowedError where the study is in a reader's hands or reported.
        """
        return film_removal.retire_film(self._site, film, actor=actor)

    def retire_model(self, model: str, *, actor: str, in_use: Collection[str] = ()) -> Removed:
        """Remove a model's findings, anomaly maps and renditions; decisions and reports stay.

        Args:
            model: SHA-256 of its weights.
            actor: for the audit trail.
            in_use: the models that score at present.

        Raises:
            NotFoundError: the model has scored no film here.
            NotAllowedError: the model is in use or in force.
            WorklistError: studies wait in the order of its scores.
        """
        return model_findings_removal.retire_model(self._site, model, actor=actor, in_use=in_use)
