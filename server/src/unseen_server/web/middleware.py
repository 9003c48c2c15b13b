"""What lies around every request: addresses, the shell, the throttle of passwords, the pace of a session.

Where the server listens, and by which names browsers may call it.

What lies around every request: who may call, how much may be sent, what every answer carries, what never gets out.

A plain ASGI layer, outermost, so that errors get the same headers as answers.

Guessing passwords is made slow: so many failed tries from one address, fewer for one name, and then a wait there.

How fast one session may ask: a token bucket each, so that a script that has run wild leaves the server to others.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
import secrets
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unseen.artifacts import LIMITS
from unseen_server.http_connections import IDENTIFIED, checked_proxies
from unseen_server.service.waiting_clients import address_group
from unseen_server.web.errors import problem
from unseen_server.worklist.states import WorklistError

_THIS_MACHINE = ("127.0.0.1", "::1")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, kw_only=True)
class Address:
    """Addresses of the server: where it listens, and by which name others reach it.

    host     an address of this machine; the loopback ones are reached from this machine alone
    port     0: any that is free
    public   such as https://worklist.hospital.example: where a reverse proxy with TLS offers the server to others; None
             without one
    proxies  the addresses and networks of proxies whose header X-Forwarded-For names the client; none: with `public`,
             those of this machine

    >>> Address().is_private, Address(public="https://a.example").is_private, Address(host="0.0.0.0").is_private
    (True, False, False)
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public: str | None = None
    proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            checked_proxies(self.proxies)
        except ValueError as error:
            raise WorklistError(str(error)) from None
        if self.public is None:
            return
        parts = urlsplit(self.public)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise WorklistError(
                f"{self.public[:200]}: not an address that a proxy with TLS offers. Write it as "
                "https://worklist.hospital.example, without a path."
            )

    @property
    def trusted(self) -> tuple[str, ...]:
        """Proxies whose header X-Forwarded-For names the client.

        >>> Address().trusted, Address(public="https://a.example").trusted
        ((), ('127.0.0.1', '::1'))
        """
        return self.proxies or (_THIS_MACHINE if self.public is not None else ())

    @property
    def is_loopback(self) -> bool:
        """Whether the socket can be reached from this machine alone."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_private(self) -> bool:
        """Whether only people on this machine can reach the server."""
        return self.is_loopback and self.public is None

    def knows(self, host: str) -> bool:
        """Whether a request may name the server so in its Host header.

        A page of another site can make a browser ask 127.0.0.1 under the page's own name (DNS rebinding); such names
        are refused. A server for others without a known name takes any: its cookies belong to the name they came from.

        >>> local = Address()
        >>> local.knows("localhost:8080"), local.knows("[::1]:8080"), local.knows("evil.example"), local.knows("")
        (True, True, False, False)
        """
        if not self.is_loopback and self.public is None:
            return bool(host)
        name = host.lower().rpartition(":")[0] if _has_port(host) else host.lower()
        known = _LOCAL_NAMES | {self.host.lower()}
        return name in known or (self.public is not None and name == _name(self.public))

    def is_own(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` is the server's own, for a request that came to `host`.

        >>> local = Address()
        >>> local.is_own("http://localhost:8080", "localhost:8080"), local.is_own("null", "localhost:8080")
        (True, False)
        """
        if self.public is not None and origin.lower().rstrip("/") == self.public.lower().rstrip("/"):
            return True
        parts = urlsplit(origin) if origin.isascii() and "[" not in origin.replace("//[", "") else urlsplit("")
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}"


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


def _name(url: str) -> str:
    return str(urlsplit(url).hostname)


_log = logging.getLogger("unseen")

MOST_BODY: Final = 2**20
"""Bytes of a request that brings neither a film nor a table."""
MOST_UNKNOWN: Final = 4096
"""Bytes of a request that anybody may send, to sign in: a name of 64 characters, and a password of 1,024 characters of
one to three bytes."""
UNKNOWN_S: Final = 10.0
"""How long a body may take that anybody may send."""
BODY_S: Final = 30.0
"""How long a body up to `MOST_BODY` may take; films and tables have their own clock."""
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

    address  whose names a request may use
    bodies   path → the most bytes that may be sent there, where that is more than `MOST_BODY`; a path that ends with a
             slash stands for all that begin so
    open     paths to which anybody may send `MOST_UNKNOWN` bytes
    refusal  answers who is not signed in, before the body is read; see `accounts.refuse_unknown`
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
                detail = (
                    f"The server has failed at this. Tell whoever runs it the number {number}, which is in its log."
                )
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
        """Bytes that a request to `path` may have."""
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
    """The server has no registers of connections, as in tests."""


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
        """Somebody who is signed in sends it; `own_clock`: whoever reads it looks at the clock."""
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
    """Where an error came from, without its message."""
    return "".join(traceback.format_tb(error.__traceback__)[-8:])


BY_NAME, BY_ADDRESS = 10, 50
WITHIN_S = 600.0
"""Ten tries in ten minutes: 1,440 a day, nothing against a password of twelve characters.

`BY_NAME` counts the tries for one name from one address: counted by the name alone, anybody could lock anybody out.
"""
_MOST_KEYS: Final = 20_000


_Key = tuple[str, str | None]
"""An address, and a name that was tried from there; None: any name."""


def _keys(name: str | None, address: str) -> dict[_Key, int]:
    """Return what a try is counted for, and how many tries each allows."""
    group = address_group(address)
    found: dict[_Key, int] = {(group, None): BY_ADDRESS}
    if name is not None:
        found[(group, _folded(name))] = BY_NAME
    return found


def _folded(name: str) -> str:
    return name[:64].casefold()


class Throttle:
    """Counts tries in memory; a restart forgets them.

    Each try is counted before the password is looked at, so that many at once do not slip through.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[_Key, deque[float]] = OrderedDict()

    def take(self, name: str | None, address: str) -> float:
        """Count a try; returns 0, or how many seconds to wait, in which case it was not counted.

        >>> throttle = Throttle(clock=lambda: 0.0)
        >>> [throttle.take("ann", "10.0.0.1") for _ in range(11)][-2:]
        [0.0, 600.0]
        >>> throttle.take("ben", "10.0.0.1"), throttle.take("ann", "10.0.0.2")
        (0.0, 0.0)
        """
        now = self._clock()
        with self._lock:
            keys = _keys(name, address)
            wait = max(self._wait(key, most, now) for key, most in keys.items())
            if wait == 0:
                for key in keys:
                    self._tries.setdefault(key, deque()).append(now)
                    self._tries.move_to_end(key)
                while len(self._tries) > _MOST_KEYS:
                    self._tries.popitem(last=False)
            return wait

    def forgive(self, name: str | None, address: str) -> None:
        """The try succeeded: it is not held against the address, nor are earlier ones for the name from there."""
        with self._lock:
            if (tries := self._tries.get((address_group(address), None))) is not None and tries:
                tries.pop()
            if name is not None:
                self._tries.pop((address_group(address), _folded(name)), None)

    def _wait(self, key: _Key, most: int, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None:
            return 0.0
        while tries and tries[0] <= now - WITHIN_S:
            tries.popleft()
        return tries[0] + WITHIN_S - now if len(tries) >= most else 0.0


PER_S, BURST = 200.0, 2000.0
_MOST = 4096  # sessions that are remembered; the longest silent is forgotten first


class Pace:
    """`per_s` requests each second, and `burst` at once after a pause.

    >>> pace = Pace(per_s=10, burst=2, clock=lambda: 0.0)
    >>> [round(pace.wait_s("a"), 1) for _ in range(3)], pace.wait_s("b")
    ([0.0, 0.0, 0.1], 0.0)
    """

    def __init__(
        self, *, per_s: float = PER_S, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._lock = Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, session: str) -> float:
        """0, and the request is counted; else how long to wait before the next, and it is not."""
        now = self._clock()
        with self._lock:
            left, looked = self._left.pop(session, (self._burst, now))
            left = min(self._burst, left + (now - looked) * self._per_s)
            allowed = left >= 1
            self._left[session] = (left - allowed, now)
            while len(self._left) > _MOST:
                self._left.popitem(last=False)
        return 0.0 if allowed else max((1 - left) / self._per_s, math.ulp(1.0))
