"""Signing in and out: with name and password, or with the link that `unseen serve` prints on its own machine."""

from __future__ import annotations

import logging
import math
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from unseen.web.errors import answers
from unseen.web.served import Parts, Served
from unseen.web.shapes import WhoTold
from unseen.web.who import SCHEMES, Reader, cookie_name, from_our_page, token_of
from unseen.worklist.accounts import SESSION_S

_log = logging.getLogger("unseen")

router = APIRouter(tags=["signing in"])
_REFUSED = "Name or password is wrong, or the account is disabled."


class Password(BaseModel):
    """Who signs in, and the proof."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024, json_schema_extra={"format": "password"})


class Link(BaseModel):
    """What the last line of the server's start says, after `link=`; it is good once, for ten minutes."""

    model_config = ConfigDict(extra="forbid")

    link: str = Field(max_length=200)


class Token(WhoTold):
    """For a program: send it as `Authorization: Bearer TOKEN`."""

    token: str
    lasts_s: float


@router.post("/sign-in", responses=answers(401, 403, 422, 429, 503))
def sign_in(request: Request, response: Response, parts: Parts, given: Password) -> WhoTold:
    """Sign a browser in: the session is a cookie that no script can read."""
    _own_page(request, parts)
    return _seated(response, parts, _by_password(request, parts, given))


@router.post("/sign-in/link", responses=answers(403, 409, 422, 429, 503))
def sign_in_by_link(request: Request, response: Response, parts: Parts, given: Link) -> WhoTold:
    """Sign a browser in with the one-time link."""
    _own_page(request, parts)
    return _seated(response, parts, _by_link(request, parts, given.link))


@router.get("/sign-in/link", responses=answers(409, 422, 429, 503))
def sign_in_by_following_the_link(
    request: Request, response: Response, parts: Parts, link: Annotated[str, Query(max_length=200)]
) -> WhoTold:
    """The same for a link that is clicked in a terminal."""
    return _seated(response, parts, _by_link(request, parts, link))


@router.post("/tokens", responses=answers(401, 422, 429, 503))
def token(request: Request, parts: Parts, given: Password) -> Token:
    """Sign a program in."""
    return _token(parts, _by_password(request, parts, given))


@router.post("/tokens/link", responses=answers(409, 422, 429, 503))
def token_by_link(request: Request, parts: Parts, given: Link) -> Token:
    """Sign a program in with the one-time link."""
    return _token(parts, _by_link(request, parts, given.link))


@router.post("/sign-out", status_code=204, dependencies=[*SCHEMES], responses=answers(401, 403, 503))
def sign_out(request: Request, response: Response, parts: Parts, account: Reader) -> None:
    """End the session; its token is worth nothing afterwards."""
    found, by_cookie = token_of(request, parts)
    assert found is not None, "signed in"
    parts.store.accounts.sign_out(found)
    if by_cookie:
        response.delete_cookie(
            cookie_name(parts), secure=not parts.address.is_private, httponly=True, samesite="strict"
        )


@router.get("/me", dependencies=[*SCHEMES], responses=answers(401, 503))
def me(account: Reader) -> WhoTold:
    """Who is signed in."""
    return WhoTold.of(account)


def _own_page(request: Request, parts: Served) -> None:
    """Another site's page must not sign a browser in as somebody whom it has chosen."""
    if "origin" in request.headers and not from_our_page(request, parts):
        raise HTTPException(403, "Sign in from the worklist's own page.")


def _by_password(request: Request, parts: Served, given: Password) -> str:
    address = _counted(request, parts, given.name)
    with parts.passwords:
        found = parts.store.accounts.sign_in(given.name, given.password)
    if found is None:
        _log.warning("sign_in.refused address=%s", address)
        raise HTTPException(401, _REFUSED)
    parts.throttle.forgive(given.name, address)
    return found


def _by_link(request: Request, parts: Served, link: str) -> str:
    address = _counted(request, parts, None)
    found = parts.store.accounts.redeem(link)
    parts.throttle.forgive(None, address)
    return found


def _counted(request: Request, parts: Served, name: str | None) -> str:
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


def _who(parts: Served, found: str) -> WhoTold:
    account = parts.store.accounts.session(found)
    if account is None:  # ended in between, as when the account was just disabled
        raise HTTPException(401, _REFUSED)
    return WhoTold.of(account)


def _seated(response: Response, parts: Served, found: str) -> WhoTold:
    response.set_cookie(
        cookie_name(parts),
        found,
        max_age=int(SESSION_S),
        path="/",
        secure=not parts.address.is_private,
        httponly=True,
        samesite="strict",
    )
    return _who(parts, found)


def _token(parts: Served, found: str) -> Token:
    return Token(**_who(parts, found).model_dump(), token=found, lasts_s=SESSION_S)
