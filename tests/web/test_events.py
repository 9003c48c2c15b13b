"""News: a stream says that something has changed, soon, and ends when the server does."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.web.running import Running, until
from tests.worklist.conftest import png
from unseen.web.pulse import LOOK_S

pytestmark = pytest.mark.slow
RAW = {"Content-Type": "application/octet-stream"}


def test_a_film_that_comes_in_is_news_and_the_stream_ends_with_the_server(tmp_path: Path) -> None:
    heard: list[tuple[float, str]] = []
    with Running("--folder", tmp_path / "worklist", "--port", "0") as running, running.started().client() as client:

        def listen() -> None:
            with client.stream("GET", "events", timeout=60) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                heard.extend((time.monotonic(), line) for line in answer.iter_lines())

        listener = threading.Thread(target=listen)
        listener.start()
        until(lambda: any(line.startswith("retry") for _, line in heard), 30)
        with running.client(client.headers["Authorization"].removeprefix("Bearer ")) as sender:
            sender.post("films", content=png(1), headers=RAW).raise_for_status()
        sent = time.monotonic()
        until(lambda: any(line == "event: changed" for _, line in heard), 10)
        came = next(moment for moment, line in heard if line == "event: changed")
        assert came - sent < 10 * LOOK_S, "news are late"
        assert not any("f-" in line for _, line in heard), "which film it was is not said"
        began = time.monotonic()
        assert running.stop() == 0
        listener.join(timeout=20)
        assert not listener.is_alive() and time.monotonic() - began < 8, "the stream has kept the server waiting"


def test_nobody_hears_news_without_signing_in(tmp_path: Path) -> None:
    with Running("--folder", tmp_path / "worklist", "--port", "0") as running:
        assert httpx.get(f"{running.started().base}/events").status_code == 401
