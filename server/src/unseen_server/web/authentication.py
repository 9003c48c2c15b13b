"""Authentication of a request: who asks, and whether they may.

A session is a cookie, for browsers, or a bearer token, for programs. A browser sends its cookies with every request
that another site's page makes it send. So with a cookie, a request that changes something must also come from our own
page (Origin), or carry a header that other sites' pages cannot set (X-Requested-With).
"""

import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request, Response
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.types import Scope

from unseen_server.web.errors import problem
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import ROLES, Account, Role
from unseen_server.worklist.states import WorklistError

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGN_IN: Final = "Sign in first: POST /api/v1/sign-in, or /api/v1/tokens for a program."

_cookie = APIKeyCookie(name="unseen", auto_error=False, description="set by /api/v1/sign-in")
_bearer = HTTPBearer(auto_error=False, description="from /api/v1/tokens")
SCHEMES: Final = (Depends(_cookie), Depends(_bearer))
"""For OpenAPI; what they find is not used."""


def cookie_name(parts: ServerState) -> str:
    """Return the cookie's name; browsers take one that begins with __Host- only over TLS, from this very host."""
    return "unseen" if parts.address.is_private else "__Host-unseen"


def token_of(request: Request, parts: ServerState) -> tuple[str | None, bool]:
    """Return the request's token, and whether it came as a cookie."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip(), False
    return request.cookies.get(cookie_name(parts)) or None, True


def from_our_page(request: Request, parts: ServerState) -> bool:
    """Return True if no page of another site can have made a request that changes something."""
    origin = request.headers.get("origin")
    if origin is not None:
        return parts.address.is_own(origin, request.headers.get("host", ""))
    return bool(request.headers.get("x-requested-with"))


def refuse_unknown(parts: ServerState) -> Callable[[Scope], Awaitable[Response | None]]:
    """Return a function that answers a request of nobody who is signed in, before its body is read; None lets it pass.

    The route looks the session up again: what it finds counts.
    """

    async def refusal(scope: Scope) -> Response | None:
        token, _ = token_of(Request(scope), parts)
        try:
            if token and await parts.sign_ins.look(parts.store.accounts.session, token) is not None:
                return None
        except WorklistError:
            return None  # the route meets it again, and says what it is
        return problem(401, _SIGN_IN, {"WWW-Authenticate": "Bearer"})

    return refusal


def signed_in(request: Request, parts: Parts) -> Account:
    """Return the account of the request's session; otherwise 401, or 403 for a cookie that another site's page may
    send.
    """
    token, by_cookie = token_of(request, parts)
    account = parts.store.accounts.session(token) if token else None
    if account is None:
        raise HTTPException(401, _SIGN_IN, {"WWW-Authenticate": "Bearer"})
    assert token is not None, "an account was found by it"
    if wait_s := parts.pace.wait_s(token):
        raise HTTPException(
            429,
            f"This session asks more often than the server answers. Wait {math.ceil(wait_s)} s.",
            {"Retry-After": str(math.ceil(wait_s))},
        )
    if by_cookie and request.method not in _READS and not from_our_page(request, parts):
        raise HTTPException(
            403, "With a cookie, a request that changes something needs the header X-Requested-With: unseen."
        )
    return account


SignedIn = Annotated[Account, Depends(signed_in)]


def needs(role: Role) -> Any:  # Any: as FastAPI types its dependencies
    """Return a dependency that demands somebody who is at least `role`, among sender < reader < lead < admin.

    Others get 403.
    """

    async def checked(account: SignedIn) -> Account:  # it waits for nothing, and so needs no thread
        if ROLES.index(account.role) < ROLES.index(role):
            raise HTTPException(403, f"This needs the role {role}, and {account.name} is {account.role}.")
        return account

    return Depends(checked)


Sender = Annotated[Account, needs("sender")]
Reader = Annotated[Account, needs("reader")]
Lead = Annotated[Account, needs("lead")]
Admin = Annotated[Account, needs("admin")]


def sighted(account: Reader, parts: Parts) -> Account:
    """Return the account, which may see scores, maps and overlays; otherwise 403."""
    if parts.is_blind(account.role):
        raise HTTPException(
            403,
            "Scores, maps and overlays are not shown to readers where a policy clears: they would tell which studies "
            "are read for the audit sample. A lead may look.",
        )
    return account


Sighted = Annotated[Account, Depends(sighted)]


def is_lead(account: Account) -> bool:
    return ROLES.index(account.role) >= ROLES.index("lead")
