"""`DriftAlarms`: drift alarms, and reopening what was cleared before one.

Tables: watches, alarms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unseen_server.worklist import clearing, drift_alarms, reopening

if TYPE_CHECKING:
    from unseen_server.worklist.drift_alarms import StandingAlarm
    from unseen_server.worklist.reopening import RaisedAlarm
    from unseen_server.worklist.site import Site


class DriftAlarms:
    """Drift alarms of a worklist: `store.alarms`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.alarms.standing()
    []
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def standing(self) -> list[StandingAlarm]:
        """Return drift alarms that two people have not acknowledged; while one stands, its policy clears nothing."""
        with self._site.database.reading() as connection:
            return drift_alarms.alarms(connection)

    def acknowledge(self, policy: str, *, actor: str, note: str) -> bool:
        """Acknowledge a policy's drift alarm. When a second person does, clearing resumes, and True is returned.

        Raises NotFoundError where none stands, NotAllowedError for the same person again, WorklistError without a note.
        """
        with self._site.writing() as writing:
            return drift_alarms.acknowledge(writing, policy, actor=actor, note=note)

    def withdraw_acknowledgement(self, policy: str, *, actor: str) -> None:
        """Take back the first acknowledgement of an alarm. Raises NotFoundError where there is none."""
        with self._site.writing() as writing:
            drift_alarms.withdraw_acknowledgement(writing, policy, actor=actor)

    def clearing_stopped(self, policy: str) -> str:
        """Return the reason why the policy with this digest clears nothing; "" if it clears."""
        with self._site.database.reading() as connection:
            return clearing.stopped(connection, policy)

    def raised(self) -> list[RaisedAlarm]:
        """Return the latest drift alarms, also ended ones, with what was cleared of the studies that raised each."""
        with self._site.database.reading() as connection:
            return reopening.raised_alarms(connection)

    def propose_reopening(self, alarm: int, *, actor: str, note: str) -> None:
        """Propose to reopen what was cleared of the studies whose films raised an alarm; see `reopening.propose`."""
        with self._site.writing() as writing:
            reopening.propose(writing, alarm, actor=actor, note=note)

    def withdraw_reopening(self, alarm: int, *, actor: str) -> None:
        """Take that proposal back. Raises NotFoundError where there is none."""
        with self._site.writing() as writing:
            reopening.withdraw(writing, alarm, actor=actor)

    def reopen_cleared(self, alarm: int, *, actor: str, note: str) -> int:
        """Reopen what another person has proposed to reopen; returns how many studies. See `reopening.confirm`."""
        with self._site.writing() as writing:
            return reopening.confirm(writing, alarm, actor=actor, note=note)
