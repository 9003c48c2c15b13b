"""HTTP/1.1 by uvicorn, whose connections cannot be occupied by clients that send slowly or nothing.

A connection waits from its beginning until its request has come as a whole, and again between two requests. So many may
wait in all, and so many of one address: then the oldest of the address with the most is closed. Whoever has signed in
waits no longer. Behind a proxy that the settings name, the address is the one that the proxy forwards.

uvicorn's own limit differs: it counts all connections alike and refuses everybody at the limit. The backlog is short,
so that asyncio does not fill the log while no file descriptor is free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import h11
import uvicorn
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.h11_impl import H11Protocol

from unseen_server.service.waiting_clients import WaitingClients

_log = logging.getLogger("unseen")

HEAD_S: Final = 20.0
"""Longest time for a request's first line and headers; the body has a limit of its own."""
IDENTIFIED: Final = "unseen.identified"
"""Name of the ASGI extension that is called for a request of somebody who is signed in."""
_BACKLOG: Final = 100
"""Connections that the system holds before they are accepted. Without a free file descriptor, asyncio tries and logs
once for each of them every second (python/cpython#151615); uvicorn's 2,048 occupied the event loop for seconds."""


class BoundedConfig(uvicorn.Config):
    """Settings of a server whose waiting connections are bounded.

    Args:
        app: ASGI application.
        waiting: Connections that may wait for a whole request.
        waiting_each: The same, of one address.
        proxies: Addresses and networks of proxies whose header X-Forwarded-For counts.
        **more: Settings of uvicorn.
    """

    def __init__(
        self,
        app: Any,  # Any: uvicorn's own
        *,
        waiting: int,
        waiting_each: int,
        proxies: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(
            app,
            http=_BoundedProtocol,
            ws="none",
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),  # else uvicorn takes those of an environment variable
            backlog=_BACKLOG,
            **more,
        )
        self.waiting: WaitingClients[_BoundedProtocol] = WaitingClients(most=waiting, most_each=waiting_each)
        self.proxies = _TrustedHosts(list(proxies))


class _BoundedProtocol(H11Protocol):
    """HTTP/1.1 connection that is closed where it sends nothing, or too slowly, or makes room for others."""

    config: BoundedConfig
    _hang_up: asyncio.TimerHandle | None = None
    _waits_as: str | None = None
    _known_scope: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._hang_up = self.loop.call_later(HEAD_S, transport.close)
        self._follow()

    def data_received(self, data: bytes) -> None:
        before = self.scope
        super().data_received(data)
        if (request := self.scope) is not before:  # its task has not run yet
            request["extensions"] = {IDENTIFIED: lambda: self._identified(request)}  # type: ignore[dict-item]
        if self.conn.their_state is not h11.IDLE:  # the head is whole
            self._be_patient()
        elif self._hang_up is None:
            self._hang_up = self.loop.call_later(HEAD_S, self.transport.close)
        self._follow()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient()
        self._wait_as(None)
        super().connection_lost(exc)

    def _identified(self, scope: object) -> None:
        self._known_scope = scope
        if scope is self.scope:
            self._wait_as(None)

    def _follow(self) -> None:
        """Enter the register, or leave it, by what has come."""
        between = self.conn.their_state is h11.IDLE
        sends = self.conn.their_state is h11.SEND_BODY and self.scope is not self._known_scope
        if self.transport.is_closing() or not (between or sends):
            self._wait_as(None)
        else:
            self._wait_as(self._address(forwarded=sends))

    def _address(self, *, forwarded: bool) -> str | None:
        """Return the address that the connection counts for; None for a proxy between two requests."""
        peer = self.client[0] if self.client else "unknown"
        if peer not in self.config.proxies:
            return peer
        if not forwarded:
            return None
        given = b", ".join(value for name, value in self.headers if name == b"x-forwarded-for").decode("latin-1")
        return self.config.proxies.get_trusted_client_address(given)[0] if given else None

    def _wait_as(self, address: str | None) -> None:
        if address == self._waits_as:
            return
        if self._waits_as is not None:
            self.config.waiting.leave(self)
        self._waits_as = address
        if address is not None and (oldest := self.config.waiting.enter(self, address)) is not None:
            _log.warning("http.connection_closed address=%s why=others wait, too", oldest._waits_as)
            oldest.transport.close()

    def _be_patient(self) -> None:
        if self._hang_up is not None:
            self._hang_up.cancel()
            self._hang_up = None
