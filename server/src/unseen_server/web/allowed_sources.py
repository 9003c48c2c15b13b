"""Source of a film that is sent over HTTP; the sender's account determines it.

A policy has one threshold per source. A sender that could name any source could choose the threshold that clears its
films.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException

from unseen.screening import UNKNOWN_SOURCE
from unseen_server.web.authentication import is_lead

if TYPE_CHECKING:
    from unseen_server.worklist.accounts import Account

_SHOWN = 10  # most sources that an error message names


def allowed_sources(account: Account) -> tuple[str, ...] | None:
    """Return the sources under which an account may send films; None: any source.

    An account with a list of sources sends only under these. Without a list, the role decides. A lead or admin, who may
    also activate a policy, sends under any source. A reader sends under `unknown`, which no policy clears. A sender may
    not send.
    """
    if account.sources is not None:
        return account.sources
    if is_lead(account):
        return None
    return () if account.role == "sender" else (UNKNOWN_SOURCE,)


def film_source(account: Account, named: str, *, default: str) -> str:
    """Return the source under which a film of this account is kept.

    Args:
        account: account of the sender.
        named: source that the request names; "" if it names none.
        default: source of a lead's or admin's film if the request names none.

    Raises:
        HTTPException: 403, the account may not send under this source; the message names the sources that it may use.

    >>> from unseen_server.worklist.accounts import Account
    >>> film_source(Account(name="room-3", role="sender", sources=("ward",)), "", default="unknown")
    'ward'
    >>> film_source(Account(name="ann", role="reader"), "", default="unknown")
    'unknown'
    """
    allowed = allowed_sources(account)
    if allowed is None:
        return named or default
    if not named and len(allowed) == 1:
        return allowed[0]
    if named in allowed:
        return named
    listed = ", ".join(allowed[:_SHOWN]) + (", …" if len(allowed) > _SHOWN else "") or "none"
    what = f"not the source {named[:200]!r}" if named else "and the request names no source"
    raise HTTPException(
        403,
        f"The account {account.name} may send films of these sources: {listed}; {what}. Nothing was stored. Name an "
        "allowed source in X-Film-Source, or ask an admin to change the account's sources.",
    )
