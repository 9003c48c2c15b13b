"""Accounts of people that could be sender accounts: those that only ever sent films.

A sender account has fixed sources, and can only send. A token of another account can do more than its owner needs: list
studies, open films, report.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from unseen_server.worklist.tables import accounts, audit, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

SENT: Final = ("film.received", "object.received")
"""Actions of the audit trail by which an account sent something."""
_LINK_MADE_BEFORE: Final = "link.opened"  # the name of `link.made` in audit trails of version 0.2 and earlier
_SIGNING_IN: Final = ("session.opened", "session.ended", "link.made", _LINK_MADE_BEFORE, "account.refused")


@dataclass(frozen=True, kw_only=True)
class NarrowableAccount:
    """Account that could be a sender.

    Attributes:
        name: of the account.
        role: its present role.
        sent: films and other objects that it sent.
        sources: sources under which it sent them.
        tokens: its open sessions.

    >>> NarrowableAccount(name="ct-room", role="reader", sent=2, sources=("ward",), tokens=1).tokens
    1
    """

    name: str
    role: str
    sent: int
    sources: tuple[str, ...]
    tokens: int


def narrowable(connection: Connection, *, now_us: int) -> list[NarrowableAccount]:
    """Return the accounts of people that sent films and, as far as the audit trail shows, did nothing else, by name.

    Signing in, and the choice of one's own password, do not count as something else.

    Args:
        connection: of the worklist's database.
        now_us: time, in microseconds since 1970.
    """
    people = {
        row.name: row.role
        for row in connection.execute(
            select(accounts.c.name, accounts.c.role).where(
                accounts.c.role != "sender", accounts.c.disabled_us.is_(None)
            )
        )
    }
    of_people = audit.c.actor.in_(
        select(accounts.c.name).where(accounts.c.role != "sender", accounts.c.disabled_us.is_(None))
    )
    own = (audit.c.action == "account.changed") & (audit.c.subject == audit.c.actor)
    counted = connection.execute(
        select(audit.c.actor, audit.c.action, func.count().label("times"))
        .where(of_people, audit.c.action.not_in(_SIGNING_IN), ~own)
        .group_by(audit.c.actor, audit.c.action)
    )
    actions: dict[str, dict[str, int]] = {}
    for row in counted:
        actions.setdefault(row.actor, {})[row.action] = row.times
    only_sent = {name: sum(did.values()) for name, did in actions.items() if set(did) <= set(SENT)}
    if not only_sent:
        return []
    sources: dict[str, set[str]] = {name: set() for name in only_sent}
    received = select(audit.c.actor, audit.c.body).where(audit.c.actor.in_(only_sent), audit.c.action.in_(SENT))
    for row in connection.execute(received):
        sources[row.actor].add(str(json.loads(row.body).get("source", "")))
    tokens = connection.execute(
        select(sessions.c.account, func.count().label("open"))
        .where(sessions.c.kind == "session", sessions.c.ended_us.is_(None), sessions.c.expires_us > now_us)
        .group_by(sessions.c.account)
    )
    open_tokens = {row.account: row.open for row in tokens}
    return [
        NarrowableAccount(
            name=name,
            role=people[name],
            sent=only_sent[name],
            sources=tuple(sorted(sources[name] - {""})),
            tokens=open_tokens.get(name, 0),
        )
        for name in sorted(only_sent)
    ]
