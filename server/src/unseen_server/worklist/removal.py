"""`Removal`: erasing patients and studies, retiring old studies, single films and models.

It removes rows of all tables and the files that they name; it has no table of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from unseen_server.worklist import film_removal, model_retirement, retention
from unseen_server.worklist.states import DONE

if TYPE_CHECKING:
    from unseen_server.worklist.retention import Foreseen, Removed
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.states import State


class Removal:
    """Removal from a worklist: `store.removal`. It does not check roles."""

    site: Site

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

    def retire_model(self, model: str, *, actor: str, in_use: Collection[str] = ()) -> Removed:
        """Remove a model's findings, anomaly maps and renditions; decisions and reports stay.

        model   SHA-256 of its weights
        in_use  those that score at present

        Raises NotFoundError, NotAllowedError for one in use or in force, WorklistError while studies wait in its order.
        """
        return model_retirement.retire_model(self.site, model, actor=actor, in_use=in_use)
