"""What lies around every request: who may call, how much may be sent, what every answer carries, what never gets out.

A plain ASGI layer, outermost, so that errors get the same headers as answers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unseen.artifacts.installation import LIMITS
from unseen.web.address import Address
from unseen.web.errors import problem

_log = logging.getLogger("unseen")

MOST_BODY: Final = 2**20
"""Bytes of a request that brings neither a film nor a table."""
_DRAINED, _DRAIN_S = 2**29, 5.0
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Intended-Use": LIMITS,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Shell:
    """The layer around `app`.

    address  whose names a request may use
    bodies   path → the most bytes that may be sent there, where that is more than `MOST_BODY`
    """

    def __init__(self, app: ASGIApp, *, address: Address, bodies: Mapping[str, int]) -> None:
        self.app = app
        self.address = address
        self.bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.bodies.get(scope["path"], MOST_BODY), Headers(scope=scope))
        answered = False

        async def answer(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                self._dress(scope, MutableHeaders(scope=message))
                if message["status"] >= 400 and message["status"] != 408:
                    await body.drain()
            await send(message)

        try:
            if not self.address.knows(Headers(scope=scope).get("host", "")):
                told = "The server is not known by the name that this request used (its Host header)."
                await problem(421, told)(scope, body.receive, answer)
            elif (length := body.promised) is not None and length > body.most:
                await problem(413, body.too_large())(scope, body.receive, answer)
            else:
                await self.app(scope, body.receive, answer)
        except ClientDisconnect:
            _log.info("request.left method=%s", scope["method"])
        except Exception as error:  # a bug: its sentence may hold what a film says, so only its place is logged
            number = secrets.token_hex(4)
            _log.error("request.failed id=%s %s\n%s", number, type(error).__name__, _place(error))
            if not answered:
                told = f"The server has failed at this. Tell whoever runs it the number {number}, which is in its log."
                await problem(500, told)(scope, body.receive, answer)

    def _dress(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self.address.public is not None:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


class _Body:
    """A request's body, counted as it comes."""

    def __init__(self, receive: Receive, most: int, headers: Headers) -> None:
        self._receive = receive
        self.most = most
        self.size = 0
        self._ended = False
        self._invited = headers.get("expect", "").lower() != "100-continue"
        length = headers.get("content-length", "")
        self.promised = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None

    async def receive(self) -> Message:
        message = await self._receive()
        self._invited = True
        if message["type"] == "http.disconnect":
            self._ended = True
        else:
            self.size += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self.size > self.most:
                raise HTTPException(413, self.too_large())
        return message

    async def drain(self) -> None:
        """Read what is still coming, within bounds: who is cut off while sending never sees the answer."""
        if self._ended or not self._invited:  # who waits to be asked for a body is not asked
            return
        left = _DRAINED
        try:
            async with asyncio.timeout(_DRAIN_S):
                while left > 0 and not self._ended:
                    message = await self._receive()
                    left -= len(message.get("body", b"")) + 1
                    self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        except TimeoutError:
            self._ended = True

    def too_large(self) -> str:
        return f"The request has more than {self.most} bytes, which is the limit here. Nothing was stored."


def _place(error: BaseException) -> str:
    """Where an error came from, without its message."""
    return "".join(traceback.format_tb(error.__traceback__)[-8:])
