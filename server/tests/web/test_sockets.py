"""Senders that are slow, cut off, or send too much: over real sockets, in this process."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Api
from tests.web.running import until
from tests.worklist.conftest import png
from unseen_server import http_connections
from unseen_server.web import upload_stream
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery


class Line:
    """A connection of which everything is said by hand."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.token = token

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self, length: int, **headers: str) -> None:
        self.say(
            f"POST /api/v1/films HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {self.token}\r\n"
            f"Content-Length: {length}\r\n".encode()
            + b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
            + b"\r\n"
        )

    def heard(self) -> bytes:
        """Everything up to where the server hangs up: at its leisure, or at once, with bytes of ours unread."""
        parts = b""
        try:
            while part := self.socket.recv(65536):
                parts += part
        except ConnectionResetError:
            pass
        return parts


@pytest.fixture
def line(api: Api, port: int) -> Iterator[Any]:
    """`line()`: a new connection to a server over the application."""
    opened: list[Line] = []

    def new() -> Line:
        opened.append(Line(port, str(api.reader.headers["authorization"])))
        return opened[-1]

    yield new
    for one in opened:
        one.socket.close()


def incoming(store: Store) -> list[Path]:
    return [path for path in (store.home / "films").rglob("*") if path.is_file()]


def test_a_sender_who_falls_silent_is_told_and_leaves_nothing(
    line: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_stream, "SILENCE_S", 0.3)
    slow = line()
    slow.head(1000)
    slow.say(b"x" * 500)
    assert b" 408 " in (heard := slow.heard()) and b"Nothing was stored" in heard
    assert incoming(store) == []


def test_a_sender_who_drips_is_told_and_leaves_nothing(
    line: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_stream, "WHOLE_S", 0.5)
    slow = line()
    slow.head(10_000)
    for _ in range(20):
        try:
            slow.say(b"x")
        except OSError:
            break
        time.sleep(0.05)
    assert b" 408 " in slow.heard() and incoming(store) == []


def test_a_sender_who_is_cut_off_leaves_nothing(line: Any, store: Store) -> None:
    for chunked in (False, True):
        gone = line()
        if chunked:
            gone.say(
                f"POST /api/v1/films HTTP/1.1\r\nHost: localhost\r\nAuthorization: {gone.token}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n3e8\r\n".encode()
                + b"x" * 1000
                + b"\r\n"
            )
        else:
            gone.head(2000)
            gone.say(b"x" * 1000)
        until(lambda: incoming(store), 10)
        gone.socket.close()
        until(lambda: not incoming(store), 10)
    assert store.studies.page(StudyQuery(tab="all")).total == 0


def test_nobody_may_be_slow_in_asking(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "HEAD_S", 0.3)
    silent, dripping = line(), line()
    dripping.say(b"GET /api/v1/health HTTP/1.1\r\nHost: ")
    assert silent.heard() == dripping.heard() == b""


def test_a_second_slow_question_on_a_line_is_hung_up_on_too(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "HEAD_S", 0.5)
    asking = line()
    asking.say(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b" 200 " in asking.socket.recv(65536)
    asking.say(b"GET /api/v1/health HTTP/1.1\r\nHost: ")
    asking.heard()  # raises TimeoutError where nobody hangs up


def test_who_sends_too_much_hears_why(line: Any, api: Api, store: Store) -> None:
    store.site.max_film_bytes = 1000
    large = line()
    large.head(3_000_000, Connection="close")
    large.say(b"x" * 3_000_000)
    assert b" 413 " in (heard := large.heard()) and b"1000 bytes" in heard
    assert incoming(store) == []


def test_who_may_not_send_is_told_before_the_film_is_asked_for(line: Any, store: Store) -> None:
    stranger = line()
    stranger.token = "Bearer nobody"
    stranger.head(10**6, Expect="100-continue", Connection="close")
    assert stranger.heard().startswith(b"HTTP/1.1 401 ")
    known = line()
    known.head(len(png(1)), Expect="100-continue", Connection="close")
    assert known.socket.recv(100).startswith(b"HTTP/1.1 100 ")
    known.say(png(1))
    assert b" 201 " in known.heard()


def test_many_slow_senders_leave_room_for_others(line: Any, api: Api, store: Store) -> None:
    slow = [line() for _ in range(12)]
    for one in slow:
        one.head(1000)
        one.say(b"x" * 10)
    until(lambda: len(incoming(store)) == len(slow), 20)
    quick = line()
    quick.head(len(png(1)), Connection="close")
    quick.say(png(1))
    assert b" 201 " in quick.heard()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /api/v1/health HTTP/1.1\r\n\r\n",
        b"GET /api/v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n",
        b"POST /api/v1/films HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_costs_nobody_else_anything(line: Any, said: bytes) -> None:
    odd = line()
    with suppress(OSError):  # it may have hung up before the last byte
        odd.say(said)
        odd.socket.shutdown(socket.SHUT_WR)
    assert b" 50" not in odd.heard()[:20]
    asking = line()
    asking.say(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert asking.heard().startswith(b"HTTP/1.1 200 ")
