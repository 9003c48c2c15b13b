"""Permission of a policy to clear at this moment, asked in the transaction that would clear.

Nothing is cleared by a policy while a drift alarm stands against it, and nothing by any other policy than the one that
two people have activated last. Where no activation was ever made, the policy that a worker was started with clears.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, select

from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import activations, watches

if TYPE_CHECKING:
    from unseen_server.worklist.transactions import Found


_REASON = select(watches.c.reason).where(watches.c.policy == bindparam("policy"))
_LAST = (
    select(activations)
    .where(activations.c.activated_us.is_not(None))
    .order_by(activations.c.activated_us.desc())
    .limit(1)
)


def stopped(connection: Connection, policy: str) -> str:
    """Return the reason why the policy with this digest clears nothing; "" if it clears."""
    alarm = connection.execute(_REASON, {"policy": policy}).scalar_one_or_none()
    if alarm:
        return str(alarm)
    last = _last(connection)
    if last is None:
        return ""
    if last.withdrawn_us is not None:
        return (
            f"{last.withdrawn_by} has withdrawn proposal {last.id} ({moment(last.withdrawn_us):%Y-%m-%d %H:%M} UTC). "
            "Nothing is cleared until two people activate a policy"
        )
    if last.policy_digest != policy:
        return f"two people have activated proposal {last.id} since, which does not clear by this policy"
    return ""


def _last(connection: Connection) -> Found | None:
    """Return the last activation, withdrawn or not."""
    return connection.execute(_LAST).one_or_none()
