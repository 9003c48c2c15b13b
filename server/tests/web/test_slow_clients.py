"""Connections of clients that send slowly or nothing: how many may wait, and that others are answered meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from tests.local_clients import connect
from tests.web.conftest import Api, MakeApi
from tests.web.running import until
from tests.worklist.conftest import png
from unseen_server import http_connections
from unseen_server.http_connections import BoundedConfig
from unseen_server.web import middleware
from unseen_server.web import server as serving
from unseen_server.web.address import Address
from unseen_server.worklist.states import WorklistError

LIVE = b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"


class Served:
    """An application behind a socket, and connections to it from addresses of this machine."""

    def __init__(self, app: Any, address: Address) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self._listener.getsockname()[1])
        config = serving._config(app, address)
        assert isinstance(config, BoundedConfig)
        self.config = config
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        self._opened: list[socket.socket] = []
        until(lambda: self._server.started, 30)

    @property
    def waiting(self) -> int:
        return len(self.config.waiting)

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        opened = connect(self.port, source=source)
        self._opened.append(opened)
        return opened

    def ask(self, source: str = "127.0.0.1", content: bytes = LIVE + CLOSE) -> bytes:
        """Return the answer to a request on a new connection."""
        with self.connect(source) as opened:
            opened.sendall(content)
            return heard(opened)

    def stop(self) -> None:
        for opened in self._opened:
            opened.close()
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._listener.close()


def heard(opened: socket.socket) -> bytes:
    found = b""
    with suppress(ConnectionError):
        while piece := opened.recv(65536):
            found += piece
    return found


Serve = Callable[..., Served]


@pytest.fixture
def serve(make_api: MakeApi) -> Iterator[Serve]:
    started: list[Served] = []

    def start(**settings: Any) -> Served:
        address = Address(**settings)
        started.append(Served(make_api(address=address).app, address))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def nothing() -> bytes:
    return b""


def half_a_head() -> bytes:
    return b"POST /api/v1/tokens HTTP/1.1\r\nHost: "


def half_a_sign_in() -> bytes:
    kind = b"Content-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
    return b"POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\n" + kind


def half_a_film_of_nobody() -> bytes:
    return b"POST /api/v1/films HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nhel"


SLOW = [nothing, half_a_head, half_a_sign_in, half_a_film_of_nobody]


@pytest.mark.parametrize("say", [*SLOW[::3], *(pytest.param(say, marks=pytest.mark.nightly) for say in SLOW[1:3])])
def test_unfinished_requests_of_one_address_keep_nobody_out(serve: Serve, say: Callable[[], bytes]) -> None:
    """More than the server has connections, from the address that also asks whether the server lives."""
    served = serve()
    for number in range(serving._CONNECTIONS + 60):
        opened = served.connect()
        with suppress(OSError):
            opened.sendall(say())
        if number % 60 == 0:
            assert served.ask("127.0.0.2").startswith(b"HTTP/1.1 200 ")
            assert served.ask().startswith(b"HTTP/1.1 200 ")
        assert served.waiting <= serving._WAITING_EACH + 1
    until(lambda: served.connections <= serving._WAITING_EACH, 30)


@pytest.mark.parametrize("say", [*SLOW[1:3], *(pytest.param(say, marks=pytest.mark.nightly) for say in SLOW[::3])])
def test_fifty_slow_clients_keep_nobody_out(serve: Serve, say: Callable[[], bytes]) -> None:
    """Fifty addresses, five connections each."""
    served = serve()
    for number in range(250):
        with suppress(OSError):
            served.connect(f"127.0.1.{number % 50 + 1}").sendall(say())
    assert [served.ask()[:12] for _ in range(20)] == [b"HTTP/1.1 200"] * 20
    assert served.waiting <= serving._WAITING
    until(lambda: served.connections <= serving._WAITING, 30)


def test_the_oldest_of_the_busiest_address_is_closed(serve: Serve) -> None:
    served = serve()
    other = served.connect("127.0.0.2")
    other.sendall(LIVE[:20])
    mine = [served.connect() for _ in range(serving._WAITING_EACH + 2)]
    assert [heard(one) for one in mine[:2]] == [b"", b""]
    for opened, rest in ((other, LIVE[20:] + CLOSE), (mine[2], LIVE + CLOSE), (mine[-1], LIVE + CLOSE)):
        opened.sendall(rest)
        assert heard(opened).startswith(b"HTTP/1.1 200 ")


def test_connections_of_people_who_are_answered_do_not_wait(serve: Serve, api: Api) -> None:
    """The list's stream of changes, and a film that somebody sends slowly."""
    served = serve()
    token = str(api.reader.headers["authorization"]).encode()
    app: Any = served.config.app
    app.state.served.stopping.clear()
    head = b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + token + b"\r\n"
    streams = [served.connect() for _ in range(3)]
    for opened in streams:
        opened.sendall(b"GET /api/v1/events" + head + b"\r\n")
        assert opened.recv(1000).startswith(b"HTTP/1.1 200 ")
    sender = served.connect()
    film = png(1)
    sender.sendall(
        b"POST /api/v1/films" + head + f"Content-Length: {len(film)}\r\n{CLOSE.decode()}".encode() + film[:50]
    )
    films = api.store.home / "films"
    until(lambda: any(path.is_file() for path in films.rglob("*")), 30)  # its sender was identified
    assert served.waiting == 0
    for _ in range(serving._WAITING_EACH + 10):
        served.connect()
    until(lambda: served.connections == serving._WAITING_EACH + 4, 30)
    sender.sendall(film[50:])
    assert b" 201 " in heard(sender)
    app.state.served.stopping.set()
    assert all(heard(opened).endswith(b"0\r\n\r\n") for opened in streams), "a stream was closed to make room"


@pytest.mark.parametrize("say", [half_a_sign_in, half_a_film_of_nobody])
def test_a_body_of_nobody_has_ten_seconds_in_total(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, say: Callable[[], bytes]
) -> None:
    assert middleware.UNKNOWN_S == 10.0
    monkeypatch.setattr(middleware, "UNKNOWN_S", 0.5)
    served = serve()
    opened = served.connect()
    opened.sendall(say())
    begun = time.monotonic()
    with suppress(OSError):
        for _ in range(200):
            time.sleep(0.1)
            opened.sendall(b" ")
            if served.connections == 0:
                break
    assert time.monotonic() - begun < 15
    answer = heard(opened)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 401 "))


def through_a_proxy(client: str, content: bytes) -> bytes:
    head, _, rest = content.partition(b"\r\n")
    return head + b"\r\nX-Forwarded-For: " + client.encode() + b"\r\n" + rest


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ({"public": "https://worklist.example"}, "127.0.0.1"),
        ({"public": "https://worklist.example", "proxies": ("127.0.0.7",)}, "127.0.0.7"),
        ({"proxies": ("127.0.8.0/24",)}, "127.0.8.9"),
    ],
)
def test_behind_a_named_proxy_the_forwarded_address_counts(serve: Serve, settings: dict[str, Any], source: str) -> None:
    served = serve(**settings)
    for _ in range(serving._WAITING_EACH + 40):
        served.connect(source).sendall(through_a_proxy("203.0.113.66", half_a_sign_in()))
    for number in range(20):
        served.connect(source).sendall(through_a_proxy(f"203.0.113.{number}", half_a_sign_in()))
    until(lambda: served.waiting == serving._WAITING_EACH + 20, 30)
    found = served.config.waiting.all()
    assert sorted(one._waits_as == "203.0.113.66" for one in found) == [False] * 20 + [True] * serving._WAITING_EACH
    answer = served.ask(source, through_a_proxy("203.0.113.5", LIVE + CLOSE))
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ({}, "127.0.0.1"),
        ({"proxies": ("127.0.0.7",)}, "127.0.0.1"),
        ({"public": "https://worklist.example", "proxies": ("127.0.0.7",)}, "127.0.0.1"),
        ({"public": "https://worklist.example"}, "127.0.0.2"),
    ],
)
def test_from_anybody_else_a_forwarded_address_counts_for_nothing(
    serve: Serve, settings: dict[str, Any], source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    served = serve(**settings)
    for number in range(serving._WAITING_EACH + 10):
        with suppress(OSError):
            served.connect(source).sendall(through_a_proxy(f"203.0.113.{number}", half_a_sign_in()))
    until(lambda: served.waiting == serving._WAITING_EACH, 30)
    assert {one._waits_as for one in served.config.waiting.all()} == {source}
    body = b'{"name": "rita", "password": "guess"}'
    ask = (
        b"POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(body)}\r\n".encode()
        + CLOSE
        + body
    )
    statuses = [served.ask(source, through_a_proxy(f"203.0.113.{number}", ask))[9:12] for number in range(11)]
    assert statuses == [b"401"] * 10 + [b"429"]


@pytest.mark.parametrize("proxy", ["nginx", "10.0.0.1/8", "", "*", "10.0.0.256"])
def test_a_proxy_is_an_address_or_a_network(proxy: str) -> None:
    with pytest.raises(WorklistError, match="Correct --proxy"):
        Address(proxies=(proxy,))


@pytest.mark.nightly
def test_fifty_slow_clients_for_a_minute_delay_nobody(serve: Serve) -> None:
    """Each sends a byte every second, and begins again when it is closed; the server's own times hold."""
    served = serve()
    stop = threading.Event()

    def drip(source: str, content: bytes) -> None:
        while not stop.is_set():
            with suppress(OSError), served.connect(source) as opened:
                for byte in content:
                    opened.sendall(bytes([byte]))
                    if stop.wait(1.0):
                        return

    contents = [half_a_head(), half_a_sign_in(), half_a_film_of_nobody()]
    senders = [
        threading.Thread(target=drip, args=(f"127.0.1.{number + 1}", contents[number % 3])) for number in range(50)
    ]
    for sender in senders:
        sender.start()
    slowest, until_s = 0.0, time.monotonic() + 60
    try:
        while time.monotonic() < until_s:
            begun = time.monotonic()
            assert served.ask().startswith(b"HTTP/1.1 200 ")
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.1)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    assert slowest < 2.0
    assert http_connections.HEAD_S == 20.0
