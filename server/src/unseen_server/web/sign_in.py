"""Routes to sign in and out: with name and password, or with a link."""

import logging
import math
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import Field

from unseen_server.web.authentication import SCHEMES, Sender, cookie_name, from_our_page, token_of
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.shapes import WhoResponse
from unseen_server.web.sign_in_requests import SignInRoute
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import SESSION_S
from unseen_server.worklist.states import NotAllowedError

_log = logging.getLogger("unseen")

LOCAL = "local"
"""Name in the audit trail of a person who signs in with the one-time link; no account has it."""

router = APIRouter(tags=["signing in"], route_class=SignInRoute)
OPEN: Final = ("/sign-in", "/sign-in/link", "/sign-in/choose", "/tokens", "/tokens/link")
"""Paths to which anybody may send a body."""
_REFUSED = "Name or password is wrong, or the account is disabled."


class Password(RequestModel):
    """Name and password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024, json_schema_extra={"format": "password"})


class Link(RequestModel):
    """The text after `link=` in the address that the server prints at its start; it is good once, for ten minutes."""

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
    """Sign in by a link that is clicked in a terminal."""
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
    """Return the account that is signed in."""
    return WhoResponse.of(account)


def _own_page(request: Request, parts: ServerState) -> None:
    """Reject a sign-in from another site's page, which could choose the account."""
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
    try:
        session = await parts.sign_ins.run(lambda: _session(parts, parts.store.accounts.redeem(link)))
    except NotAllowedError as error:
        if not parts.address.is_private:
            raise
        raise NotAllowedError(f"{str(error).rstrip('.')}, or start `unseen serve` again: it prints one.") from error
    parts.throttle.forgive(None, address)
    return session


def counted(request: Request, parts: ServerState, name: str | None) -> str:
    """Return the caller's address; 429 where it, or `name`, has failed too often."""
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
