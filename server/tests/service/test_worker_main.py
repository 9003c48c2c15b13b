"""A worker that is told to stop while it loads: it leaves before it opens the worklist."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import unseen.detectors
import unseen.screening
from unseen_server.service.worker_main import WorkerSettings, main
from unseen_server.worklist.store import Store


@pytest.fixture
def own_signals() -> Iterator[None]:
    """The handlers of this process come back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("further", [(), ("models/roi-sure",)])
@pytest.mark.usefixtures("own_signals")
def test_a_worker_that_is_stopped_while_it_loads_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], further: tuple[str, ...]
) -> None:
    home = tmp_path / "worklist"
    Store.open(home).close()
    settings = WorkerSettings(where=str(home), films_folder=str(home), model="models/pca", further=further)
    ours, servers = os.pipe()  # stays open: the server is there
    os.write(servers, (settings.to_json() + "\n").encode())
    load = unseen.screening.load

    def load_when_stopped(*given: Any) -> Any:  # Any: as `load`
        os.kill(os.getpid(), signal.SIGTERM)
        return load(*given)

    monkeypatch.setattr(unseen.screening, "load", load_when_stopped)
    monkeypatch.setattr(unseen.detectors, "load", lambda _: pytest.fail("it loads another model"))
    monkeypatch.setattr(Store, "open", lambda *_, **__: pytest.fail("it opens the worklist"))
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main() == 0
        os.close(servers)
        for thread in threading.enumerate():
            if thread.name == "follow":
                thread.join(60)
    assert capfd.readouterr().out == ""
