"""News: a stream says that something has changed, and ends when the server does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import httpx
import pytest

from tests.web.conftest import Api
from tests.web.running import Running, until
from tests.worklist.conftest import own_place, png
from unseen_server.web import events

place = own_place

pytestmark = pytest.mark.slow
RAW = {"Content-Type": "application/octet-stream"}


def test_a_film_that_comes_in_is_news_and_the_stream_ends_with_the_server(tmp_path: Path) -> None:
    heard: list[str] = []
    ended = threading.Event()
    with Running("--folder", tmp_path / "worklist", "--port", "0") as running, running.started().client() as client:

        def listen() -> None:
            with client.stream("GET", "events", timeout=60) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                heard.extend(answer.iter_lines())
            ended.set()  # a stream that is cut off raises

        listener = threading.Thread(target=listen)
        listener.start()
        until(lambda: any(line.startswith("retry") for line in heard), 60)
        with running.client(client.headers["Authorization"].removeprefix("Bearer ")) as sender:
            sender.post("films", content=png(1), headers=RAW).raise_for_status()
        until(lambda: "event: changed" in heard, 60)
        assert not any("f-" in line for line in heard), "which film it was is not said"
        assert running.stop() == 0
        listener.join(timeout=60)
        assert ended.is_set(), "the stream had to be cut off"


def test_what_changes_once_the_stream_has_begun_is_news(api: Api) -> None:
    async def second() -> str:
        api.app.state.served.stopping.clear()  # the fixture sets it: a stream in its client would never end
        lines = events._stream(api.app.state.served, "")
        assert (await anext(lines)).startswith("retry")
        with api.store.writing() as writing:
            writing.log("ann", "a change", "s")
        return await anext(lines)

    with ThreadPoolExecutor() as threads:  # a browser's loop may run in this one
        assert threads.submit(anyio.run, second).result().startswith("event: changed")


def test_the_stream_of_a_session_that_has_ended_ends(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It went on telling a tab of changes after its user had signed out in another."""
    monkeypatch.setattr(events, "_ALIVE_S", 0.0)
    monkeypatch.setattr(events, "_CHECKED_S", 0.0)
    token = api.reader.headers["Authorization"].removeprefix("Bearer ")

    async def heard() -> tuple[str, list[str]]:
        api.app.state.served.stopping.clear()
        lines = events._stream(api.app.state.served, token)
        await anext(lines)
        alive = await anext(lines)
        api.store.accounts.sign_out(token)
        with anyio.fail_after(60):
            return alive, [line async for line in lines]

    with ThreadPoolExecutor() as threads:
        alive, after = threads.submit(anyio.run, heard).result()
    assert alive.startswith("event: here") and len(after) <= 1, after


def test_nobody_hears_news_without_signing_in(tmp_path: Path) -> None:
    with Running("--folder", tmp_path / "worklist", "--port", "0") as running:
        assert httpx.get(f"{running.started().base}/events", verify=False).status_code == 401
