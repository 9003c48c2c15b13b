"""Middleware around every request: who may call, how much may be sent, which headers, and status 500 for a bug.

It is a plain ASGI layer, outermost, so that errors get the same headers as other responses.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unseen.artifacts import LIMITS
from unseen_server.http_connections import IDENTIFIED
from unseen_server.web.address import Address
from unseen_server.web.errors import problem

_log = logging.getLogger("unseen")

MOST_BODY: Final = 2**20
"""Bytes of a request that brings neither a film nor a table."""
MOST_UNKNOWN: Final = 4096
"""Bytes of a request that anybody may send, to sign in: a name of 64 characters, and a password of 1,024 characters of
one to three bytes."""
UNKNOWN_S: Final = 10.0
"""Longest time for a body that an unknown client may send."""
BODY_S: Final = 30.0
"""Longest time for a body of at most `MOST_BODY`; films and tables have limits of their own."""
_SILENCE_S: Final = 60.0
_DRAINED, _DRAINED_UNKNOWN, _DRAIN_S = 2**29, 2**24, 5.0
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

    Args:
        address: whose names a request may use.
        bodies: path → the most bytes that may be sent there, where that is more than `MOST_BODY`; a path that ends with
            a slash stands for all that begin so.
        open: paths to which anybody may send `MOST_UNKNOWN` bytes.
        refusal: answers who is not signed in, before the body is read; see `authentication.refuse_unknown`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: Address,
        bodies: Mapping[str, int],
        open: frozenset[str],
        refusal: Callable[[Scope], Awaitable[ASGIApp | None]],
    ) -> None:
        self.app = app
        self.address = address
        self.bodies = bodies
        self.open = open
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self._most(scope["path"]), Headers(scope=scope))
        answered = False

        async def answer(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                self._dress(scope, MutableHeaders(scope=message))
                if message["status"] >= 400 and message["status"] != 408 and not await body.drain():
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        try:
            if not self.address.knows(Headers(scope=scope).get("host", "")):
                detail = "The server is not known by the name that this request used (its Host header)."
                await problem(421, detail)(scope, body.receive, answer)
            elif (length := body.promised) is not None and length > body.most:
                await problem(413, body.too_large())(scope, body.receive, answer)
            elif (refused := await self._refused(scope, body)) is not None:
                await refused(scope, body.receive, answer)
            else:
                await self.app(scope, body.receive, answer)
        except ClientDisconnect:
            _log.info("request.left method=%s", scope["method"])
        except Exception as error:  # a bug: its sentence may hold what a film says, so only its place is logged
            number = secrets.token_hex(4)
            _log.error("request.failed id=%s %s\n%s", number, type(error).__name__, _place(error))
            if not answered:
                detail = f"The server failed on this request. Give its administrator the log number {number}."
                await problem(500, detail)(scope, body.receive, answer)

    async def _refused(self, scope: Scope, body: _Body) -> ASGIApp | None:
        """Return the answer to a request with a body, from nobody who is signed in, to a path that is not open."""
        if scope["path"] in self.open or not body.comes:
            return None
        if (refused := await self.refusal(scope)) is None:
            body.identify(own_clock=self._most(scope["path"]) > MOST_BODY)
            scope.get("extensions", {}).get(IDENTIFIED, _nothing)()
        return refused

    def _most(self, path: str) -> int:
        """Return the number of bytes that a request to `path` may have."""
        if path in self.open:
            return MOST_UNKNOWN
        if path in self.bodies:
            return self.bodies[path]
        return self.bodies.get(path[: path.rfind("/") + 1], MOST_BODY)

    def _dress(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self.address.public is not None:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _nothing() -> None:
    """Do nothing: the server has no registers of connections, as in tests."""


class _Body:
    """A request's body, counted as it comes."""

    def __init__(self, receive: Receive, most: int, headers: Headers) -> None:
        self._receive = receive
        self.most = most
        self.size = 0
        self._invited = headers.get("expect", "").lower() != "100-continue"
        length = headers.get("content-length", "")
        self.promised = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
        in_pieces = "transfer-encoding" in headers
        self.comes = in_pieces or bool(self.promised)
        self._ended = not self.comes
        self._begun = time.monotonic()
        self._within_s: float | None = UNKNOWN_S
        self._drained = _DRAINED_UNKNOWN

    def identify(self, *, own_clock: bool) -> None:
        """Note that a signed-in account sends the request; `own_clock`: its reader looks at the clock."""
        self._within_s = None if own_clock else BODY_S
        self._drained = _DRAINED

    async def receive(self) -> Message:
        self._invited = True
        if self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout(self._left_s()):
                message = await self._receive()
        except TimeoutError:
            self._ended = True
            raise HTTPException(
                408, "The request did not arrive in time. Nothing was stored. Send it again.", {"Connection": "close"}
            ) from None
        if message["type"] == "http.disconnect":
            self._ended = True
        else:
            self.size += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self.size > self.most:
                raise HTTPException(413, self.too_large())
        return message

    def _left_s(self) -> float:
        return _SILENCE_S if self._within_s is None else max(0.0, self._begun + self._within_s - time.monotonic())

    async def drain(self) -> bool:
        """Read what is still coming, within bounds: who is cut off while sending never sees the answer.

        Returns:
            False if something is left, and the connection must end.
        """
        if self._ended or not self._invited:  # who waits to be asked for a body is not asked
            return True
        left = self._drained
        try:
            async with asyncio.timeout(_DRAIN_S):
                while left > 0 and not self._ended:
                    message = await self._receive()
                    left -= len(message.get("body", b"")) + 1
                    self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        except TimeoutError:
            pass
        done, self._ended = self._ended, True
        return done

    def too_large(self) -> str:
        return f"The request has more than {self.most} bytes, which is the limit here. Nothing was stored."


def _place(error: BaseException) -> str:
    """Return the place of an error in the code, without its message."""
    return "".join(traceback.format_tb(error.__traceback__)[-8:])
