"""A transaction of the worklist: changed rows and their audit entries are written together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from unseen.screening import Decision
from unseen_server.worklist import audit
from unseen_server.worklist.reading_order import order_of
from unseen_server.worklist.statements import update_row
from unseen_server.worklist.tables import studies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.states import State

Found = Row[Any]  # Any: SQLAlchemy knows a row's columns by name only when it runs


@dataclass
class Writing:
    """An open transaction, the only one that changes studies while it lasts.

    Args:
        now_us: time of everything that it writes.
        cap_us: how long a study may wait before it is listed ahead of all priorities.
        entries: audit entries, which are added to the audit trail together at the end of the transaction
            (`Site.writing`).
    """

    connection: Connection
    names: Pseudonyms
    now_us: int
    cap_us: int
    entries: list[audit.AuditEntry] = field(default_factory=list)

    def log(self, actor: str, action: str, subject: str, /, **body: audit.Value) -> None:
        """Add an entry to the audit trail. `body` must hold no patient data."""
        self.entries.append(
            audit.AuditEntry(
                time_us=self.now_us, actor=actor, action=action, subject=subject, body=audit.canonical(body)
            )
        )

    def move(
        self,
        study: Found,
        state: State,
        *,
        actor: str,
        action: str,
        standing: State | None = None,
        columns: dict[str, Any] | None = None,  # Any: values of whatever column
        **body: audit.Value,
    ) -> None:
        """Change a study's state and its position in the list, and log the change."""
        values = self.placed(study, state, standing=standing or study.standing, columns=columns or {})
        update_row(self.connection, studies, study.id, values)
        self.log(actor, action, study.public_id, **({"from": study.state, "to": state} | body))

    def placed(
        self,
        study: Found,
        state: State,
        *,
        standing: State,
        columns: Mapping[str, Any],  # Any: values of whatever column
    ) -> dict[str, Any]:
        """Return the columns of a study that enters `state`: `columns`, and its position in the list."""
        changed_us = study.changed_us if state == study.state else self.now_us
        order = order_of(
            state,
            standing=standing,
            priority=columns.get("priority", study.priority),
            received_us=columns.get("received_us", study.received_us),
            changed_us=changed_us,
            overdue_before_us=self.now_us - self.cap_us,
        )
        place = {"state": state, "standing": standing, "changed_us": changed_us, **order._asdict()}
        return place | dict(columns)


def decision_of(row: Found) -> Decision:
    """Return the decision that a row contains."""
    return Decision(
        action=row.action,
        score=row.score,
        probability=row.probability,
        p_value=row.p_value,
        priority=row.priority,
        reason=row.reason,
        policy_digest=row.policy_digest,
    )
