"""Accounts: who asks and whether they may, signing in and out, administration.

A session is a cookie, for browsers, or a bearer token, for programs. A browser sends its cookies along with whatever
another site's page makes it send; so with a cookie, a request that changes something must also come from our own page
(Origin), or carry a header that other sites' pages cannot set (X-Requested-With).

Signing in and out: with name and password, or with the link that `unseen serve` prints on its own machine.

Accounts are an admin's: `people`.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Scope

from unseen_server.web.errors import answers, problem
from unseen_server.web.shapes import WhoResponse
from unseen_server.web.sign_in_requests import SignInRoute
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import ROLES, SESSION_S, Account, Role
from unseen_server.worklist.states import WorklistError

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGN_IN: Final = "Sign in first: POST /api/v1/sign-in, or /api/v1/tokens for a program."

_cookie = APIKeyCookie(name="unseen", auto_error=False, description="set by /api/v1/sign-in")
_bearer = HTTPBearer(auto_error=False, description="from /api/v1/tokens")
SCHEMES: Final = (Depends(_cookie), Depends(_bearer))
"""For OpenAPI; what they find is not used."""


def cookie_name(parts: ServerState) -> str:
    """The cookie's name; browsers take one that begins with __Host- only over TLS, from this very host."""
    return "unseen" if parts.address.is_private else "__Host-unseen"


def token_of(request: Request, parts: ServerState) -> tuple[str | None, bool]:
    """The request's token, and whether it came as a cookie."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip(), False
    return request.cookies.get(cookie_name(parts)) or None, True


def from_our_page(request: Request, parts: ServerState) -> bool:
    """Whether a request that changes something cannot have been made by another site's page."""
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
    """Whose session the request belongs to; otherwise 401, or 403 for a cookie that another site's page may send."""
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
    """A dependency: somebody who is at least `role`, among sender < reader < lead < admin; otherwise 403."""

    def checked(account: SignedIn) -> Account:
        if ROLES.index(account.role) < ROLES.index(role):
            raise HTTPException(403, f"This needs the role {role}, and {account.name} is {account.role}.")
        return account

    return Depends(checked)


Sender = Annotated[Account, needs("sender")]
Reader = Annotated[Account, needs("reader")]
Lead = Annotated[Account, needs("lead")]
Admin = Annotated[Account, needs("admin")]


def sighted(account: Reader, parts: Parts) -> Account:
    """Somebody who may see scores, maps and overlays; otherwise 403."""
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


_log = logging.getLogger("unseen")

LOCAL = "local"
"""Who signs in with the one-time link, in the audit trail; no account is called so."""

router = APIRouter(tags=["signing in"], route_class=SignInRoute)
OPEN: Final = ("/sign-in", "/sign-in/link", "/sign-in/choose", "/tokens", "/tokens/link")
"""Paths to which anybody may send a body."""
_REFUSED = "Name or password is wrong, or the account is disabled."


class Password(BaseModel):
    """Who signs in, and the proof."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024, json_schema_extra={"format": "password"})


class Link(BaseModel):
    """The text after `link=` in the last line of the server's start; it is good once, for ten minutes."""

    model_config = ConfigDict(extra="forbid")

    link: str = Field(max_length=200)


class Token(WhoResponse):
    """For a program: send it as `Authorization: Bearer TOKEN`."""

    token: str
    lasts_s: float


@router.post("/sign-in", responses=answers(401, 403, 422, 429, 503))
async def sign_in(request: Request, response: Response, parts: Parts, given: Password) -> WhoResponse:
    """Sign a browser in: the session is a cookie that no script can read."""
    _own_page(request, parts)
    return _seated(response, parts, await _by_password(request, parts, given))


@router.post("/sign-in/link", responses=answers(403, 409, 422, 429, 503))
async def sign_in_by_link(request: Request, response: Response, parts: Parts, given: Link) -> WhoResponse:
    """Sign a browser in with the one-time link."""
    _own_page(request, parts)
    return _seated(response, parts, await _by_link(request, parts, given.link))


class Choice(Link):
    """A link that an admin made for an account, and the password that its owner chooses."""

    password: str = Field(
        max_length=1024, json_schema_extra={"format": "password"}, description="12 characters or more"
    )


@router.post("/sign-in/choose", responses=answers(403, 409, 422, 429, 503))
async def choose(request: Request, response: Response, parts: Parts, given: Choice) -> WhoResponse:
    """Choose a password by an admin's link, once, and sign the browser in."""
    _own_page(request, parts)
    address = counted(request, parts, None)

    def chosen() -> _Session:
        with parts.passwords:
            return _session(parts, parts.store.accounts.choose(given.link, given.password))

    found = await parts.sign_ins.run(chosen)
    parts.throttle.forgive(None, address)
    return _seated(response, parts, found)


@router.get("/sign-in/link", responses=answers(409, 422, 429, 503))
async def sign_in_by_following_the_link(
    request: Request, response: Response, parts: Parts, link: Annotated[str, Query(max_length=200)]
) -> WhoResponse:
    """The same for a link that is clicked in a terminal."""
    return _seated(response, parts, await _by_link(request, parts, link))


@router.post("/tokens", responses=answers(401, 422, 429, 503))
async def token(request: Request, parts: Parts, given: Password) -> Token:
    """Sign a program in."""
    return _token(await _by_password(request, parts, given))


@router.post("/tokens/link", responses=answers(409, 422, 429, 503))
async def token_by_link(request: Request, parts: Parts, given: Link) -> Token:
    """Sign a program in with the one-time link."""
    return _token(await _by_link(request, parts, given.link))


@router.post("/sign-out", status_code=204, dependencies=[*SCHEMES], responses=answers(401, 403, 503))
def sign_out(request: Request, response: Response, parts: Parts, account: Sender) -> None:
    """End the session; its token is worth nothing afterwards."""
    found, by_cookie = token_of(request, parts)
    assert found is not None, "signed in"
    parts.store.accounts.sign_out(found)
    if by_cookie:
        response.delete_cookie(
            cookie_name(parts), secure=not parts.address.is_private, httponly=True, samesite="strict"
        )


@router.get("/me", dependencies=[*SCHEMES], responses=answers(401, 503))
def me(account: Sender) -> WhoResponse:
    """Who is signed in."""
    return WhoResponse.of(account)


def _own_page(request: Request, parts: ServerState) -> None:
    """Another site's page must not sign a browser in as somebody whom it has chosen."""
    if "origin" in request.headers and not from_our_page(request, parts):
        raise HTTPException(403, "Sign in from the worklist's own page.")


class _Session(NamedTuple):
    """A new session: its token, and whose it is."""

    token: str
    who: WhoResponse


async def _by_password(request: Request, parts: ServerState, given: Password) -> _Session:
    address = counted(request, parts, given.name)

    def opened() -> _Session | None:
        with parts.passwords:
            found = parts.store.accounts.sign_in(given.name, given.password)
        return None if found is None else _session(parts, found)

    session = await parts.sign_ins.run(opened)
    if session is None:
        _log.warning("sign_in.refused address=%s", address)
        raise HTTPException(401, _REFUSED)
    parts.throttle.forgive(given.name, address)
    return session


async def _by_link(request: Request, parts: ServerState, link: str) -> _Session:
    address = counted(request, parts, None)
    session = await parts.sign_ins.run(lambda: _session(parts, parts.store.accounts.redeem(link)))
    parts.throttle.forgive(None, address)
    return session


def counted(request: Request, parts: ServerState, name: str | None) -> str:
    """The caller's address; 429 where it, or `name`, has failed too often."""
    address = request.client.host if request.client is not None else "unknown"
    if wait := parts.throttle.take(name, address):
        seconds = math.ceil(wait)
        raise HTTPException(
            429,
            f"Too many sign-ins have failed. Wait {seconds} s; a lead or admin may know the right name.",
            {"Retry-After": str(seconds)},
        )
    return address


def _session(parts: ServerState, token: str) -> _Session:
    account = parts.store.accounts.session(token)
    if account is None:  # ended in between, as when the account was just disabled
        raise HTTPException(401, _REFUSED)
    return _Session(token, WhoResponse.of(account))


def _seated(response: Response, parts: ServerState, found: _Session) -> WhoResponse:
    seat(response, parts, found.token)
    return found.who


def seat(response: Response, parts: ServerState, found: str) -> None:
    """Give the browser the session `found`."""
    response.set_cookie(
        cookie_name(parts),
        found,
        max_age=int(SESSION_S),
        path="/",
        secure=not parts.address.is_private,
        httponly=True,
        samesite="strict",
    )


def _token(found: _Session) -> Token:
    return Token(**found.who.model_dump(), token=found.token, lasts_s=SESSION_S)
