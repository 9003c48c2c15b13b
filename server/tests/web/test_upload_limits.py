"""Places of uploads: some in all, a quarter of them for an account; slow uploads of one keep no other out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from tests.web.conftest import MakeApi
from tests.web.running import until
from tests.web.test_slow_clients import Served
from tests.worklist.conftest import png
from unseen_server.web.address import Address
from unseen_server.web.upload_limits import AT_ONCE, OF_AN_ACCOUNT, UploadPlaces
from unseen_server.worklist.states import BusyError


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run in a thread: after tests in a browser, the main thread has an event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, work, backend="asyncio").result()


def test_an_account_has_a_quarter_of_the_places() -> None:
    assert AT_ONCE == 4 * OF_AN_ACCOUNT

    async def work() -> None:
        places, go = UploadPlaces(at_once=16, of_an_account=4), asyncio.Event()
        inside: list[str] = []

        async def upload(account: str) -> None:
            async with places.place(account, wait_s=60):
                inside.append(account)
                await go.wait()

        async with asyncio.TaskGroup() as group:
            for account in "aaaaaaaaaaaaaaaaaaaabbbbbbcccccdddddee":
                group.create_task(upload(account))
            for _ in range(100):
                await asyncio.sleep(0)
            assert sorted(inside) == sorted("aaaabbbbccccdddd"), "e waits: all are taken"
            assert places.taken == 16
            go.set()
        assert len(inside) == 38 and places.taken == 0, "all came in"

    run(work)


def test_a_place_goes_to_the_first_that_waits_and_may_come_in() -> None:
    async def work() -> None:
        places = UploadPlaces(at_once=2, of_an_account=1)
        order: list[str] = []
        ends = {name: asyncio.Event() for name in ("a1", "b1", "a2", "c1")}

        async def upload(name: str) -> None:
            async with places.place(name[0], wait_s=60):
                order.append(name)
                await ends[name].wait()

        async with asyncio.TaskGroup() as group:
            for name in ends:
                group.create_task(upload(name))
            for name, then in (("b1", ["a1", "b1", "c1"]), ("a1", ["a1", "b1", "c1", "a2"])):
                await asyncio.sleep(0.01)
                ends[name].set()
                await asyncio.sleep(0.01)
                assert order == then
            for event in ends.values():
                event.set()

    run(work)


def test_a_wait_that_ends_leaves_no_place_taken() -> None:
    async def work() -> None:
        places = UploadPlaces(at_once=8, of_an_account=1)
        async with places.place("a"):
            for how, error in ((0.0, "1 film of this account is coming in"), (60.0, None)):
                waiting = asyncio.ensure_future(places.place("a", wait_s=how).__aenter__())
                await asyncio.sleep(0.01)
                if error is None:
                    waiting.cancel()
                with pytest.raises(BusyError if error else asyncio.CancelledError, match=error):
                    await waiting
            assert places.taken == 1
        assert places.taken == 0
        full = UploadPlaces(at_once=1, of_an_account=1)
        async with full.place("a"):
            with pytest.raises(BusyError, match="Too many films"):
                async with full.place("b", wait_s=0.0):
                    pass

    run(work)


def test_slow_uploads_of_one_account_keep_no_other_out(make_api: MakeApi) -> None:
    api = make_api()
    tokens = {name: getattr(api, name).headers["Authorization"] for name in ("reader", "other")}
    places = api.app.state.served.uploads
    served = Served(api.app, Address())

    def start(name: str, body: bytes, sent: int) -> socket.socket:
        opened = served.connect()
        head = (
            f"POST /api/v1/films HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {tokens[name]}\r\n"
            f"Content-Type: application/octet-stream\r\nX-Film-Name: a\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        opened.sendall(head.encode() + body[:sent])
        return opened

    try:
        slow = [start("reader", png(number), 10) for number in range(AT_ONCE)]
        until(lambda: places.taken >= OF_AN_ACCOUNT, 30)
        good = start("other", png(100), len(png(100)))
        good.settimeout(60)
        assert good.recv(4096).startswith(b"HTTP/1.1 201"), "another account's film comes in meanwhile"
        assert places.taken == OF_AN_ACCOUNT
        for connection in slow:
            connection.close()
        until(lambda: places.taken == 0, 30)
    finally:
        served.stop()
