"""HTTP client whose answers have a limit on time and on size, for servers that are not trusted.

The timeout of `requests` is for each read from the socket: a server that sends a byte every few seconds holds a thread
without end. Here a timer ends the connection when the time of the whole answer is over, whatever is being read.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import queue
import socket
import threading
import time
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

WITHIN_S: Final = 10.0
"""Seconds for a whole answer: look-up of the name, connection, TLS, request, header and body."""
MOST_BYTES: Final = 1_000_000
"""Bytes of an answer's body."""
MOST_LOOK_UPS: Final = 16
"""Look-ups of names at the same time, those included that the caller has left."""
_LOOK_UPS: Final = threading.BoundedSemaphore(MOST_LOOK_UPS)
_PIECE: Final = 2**16


class AnswerTooLargeError(requests.RequestException):
    """An answer has more than `MOST_BYTES` bytes."""


class BoundedAdapter(HTTPAdapter):
    """Transport for `requests.Session.mount`: reads each answer as a whole, within its limits.

    It raises `requests.Timeout` for an answer that takes longer, and `AnswerTooLargeError` for a larger one.
    """

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:  # Any: as requests types them
        super().init_poolmanager(*arguments, **more)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:  # Any: as requests types them
        manager = super().proxy_manager_for(proxy, **more)
        if proxy.lower().startswith("http"):
            _watch(manager)
        return manager

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **more: Any
    ) -> requests.Response:  # Any: likewise
        """Send a request and read its whole answer."""
        request.headers["Accept-Encoding"] = "identity"  # a packed answer has no size before it is unpacked
        more |= {"stream": True, "timeout": WITHIN_S}
        with _Deadline(WITHIN_S) as deadline:
            try:
                answer = super().send(request, *arguments, **more)
                with contextlib.closing(answer):
                    data = self._body(answer)
                problem = None
            except (requests.RequestException, HTTPError, OSError) as error:
                problem = error
            if deadline.passed:  # also where the end of the connection looked like the end of the answer
                raise requests.Timeout(f"no whole answer within {WITHIN_S:g} s", request=request) from problem
        if isinstance(problem, requests.RequestException):
            raise problem
        if problem is not None:
            raise requests.ConnectionError(problem, request=request) from problem
        answer.raw = io.BytesIO(data)
        return answer

    def _body(self, answer: requests.Response) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise requests.exceptions.ContentDecodingError("the answer is packed, which was not asked for")
        data = bytearray()
        while piece := answer.raw.read(_PIECE, decode_content=False):
            data += piece
            if len(data) > MOST_BYTES:
                raise AnswerTooLargeError(f"the answer has more than {MOST_BYTES:,} bytes")
        return bytes(data)


class _Deadline:
    """Ends the connections that are made in a block when its time is over."""

    current: ClassVar[contextvars.ContextVar[_Deadline | None]] = contextvars.ContextVar("deadline", default=None)

    def __init__(self, within_s: float) -> None:
        self._until = time.monotonic() + within_s
        self._timer = threading.Timer(within_s, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self.passed = False

    def __enter__(self) -> Self:
        self._token = self.current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self.current.reset(self._token)
        with self._lock:
            for one in self._watched:
                one.close()
            self._watched.clear()

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first address of a host that answers, within the time that is left.

        The look-up of the name counts: the caller leaves a resolver that does not answer in time.
        """
        problem: OSError = TimeoutError("timed out")
        try:
            addresses = _looked_up(host, port, self._until)
        except TimeoutError:
            self.passed = True
            raise
        for family, kind, protocol, _, address in addresses:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                break
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(left_s)
                made.connect(address)
                self._watch(made)
            except OSError as error:
                made.close()
                problem = error
            else:
                return made
        raise problem

    def _watch(self, made: socket.socket) -> None:
        with self._lock:
            if self.passed:
                raise TimeoutError("timed out")
            self._watched.append(made.dup())  # TLS takes the socket itself over

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            for one in self._watched:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def _looked_up(host: str, port: int, until: float) -> list[tuple[Any, ...]]:  # Any: as socket.getaddrinfo types it
    """Return the addresses of a host. Raises OSError, of which TimeoutError where there is no answer in time.

    A look-up cannot be ended, so it runs in a thread that is left behind. Few may be left at the same time: a resolver
    that never answers takes no further threads.

    Args:
        host: name or address.
        port: the port.
        until: end of the time, by the monotonic clock.
    """
    if not _LOOK_UPS.acquire(timeout=max(0.0, until - time.monotonic())):
        raise TimeoutError("the resolver answers none of the look-ups that are under way")
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is too long
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))
        finally:
            _LOOK_UPS.release()

    try:
        threading.Thread(target=look_up, name="look-up", daemon=True).start()
    except RuntimeError as error:
        _LOOK_UPS.release()
        raise OSError("no thread is left for the look-up") from error
    try:
        answer = answers.get(timeout=max(0.0, until - time.monotonic()))
    except queue.Empty:
        raise TimeoutError("the resolver does not answer") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _connect(connection: HTTPConnection) -> socket.socket:
    deadline = _Deadline.current.get()
    assert deadline is not None, "connections are made by BoundedAdapter.send alone"
    return deadline.connect(connection._dns_host, connection.port)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _BoundedPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _watch(manager: PoolManager) -> None:
    """Let a pool manager make connections that a deadline ends."""
    manager.pool_classes_by_scheme = {"http": _BoundedPool, "https": _SecurePool}
