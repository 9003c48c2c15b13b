"""docs/how-to/serve.md: its commands are run, in order, in an empty folder, as a reader of the page would."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.conftest import begin
from tests.docs.blocks import ROOT, blocks
from tests.web.running import UNSEEN, Running, until
from tests.worklist.conftest import png
from unseen.worklist.store import Store

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "how-to" / "serve.md"


def commands(text: str) -> Iterator[str]:
    """A block's commands, each with its continued lines."""
    yield from text.replace("\\\n", " ").splitlines()


def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, program: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{UNSEEN.parent}{os.pathsep}{os.environ['PATH']}")
    program("curl")
    Path("incoming").mkdir()
    Path("film.png").write_bytes(png(1))
    free = {port: _free() for port in ("8080", "8081")}
    spoken = [block.text for block in blocks(PAGE) if block.language == "bash"]
    assert len(spoken) >= 10
    with ExitStack() as stack:
        first: Running | None = None
        for command in (line for text in spoken for line in commands(text)):
            for written, port in free.items():
                command = command.replace(written, str(port))
            if command.startswith("unseen serve"):
                if first is not None and "--public" in command:
                    first.stop()
                running = stack.enter_context(Running(*command.split()[2:]))
                until(lambda running=running: "unseen serves" in running.log, 90)
                if first is None:
                    first = running.started()
                    monkeypatch.setenv("LINK", first.link)
            elif command.startswith("unseen worker"):
                worker = begin(*command.split()[1:], err=tmp_path / "worker")
                stack.callback(worker.kill)
                until(lambda: "scoring what comes" in (tmp_path / "worker").read_text(encoding="utf-8"), 90)
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(timeout=60) == 0
            else:
                done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], capture_output=True, text=True)
                assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
                if "/films" in command:
                    _score_all("worklist")
                if found := re.search(r'"study":"(s-[0-9a-f]+)"', done.stdout):
                    monkeypatch.setenv("STUDY", found.group(1))
    with Store.open("worklist") as store:
        (row,) = store.page("all").rows
        assert row.state == "in_reading"
        assert [(one.reader, one.outcome) for one in store.study(row.study).reports] == [("local", "normal")]
        assert [account.name for account in store.accounts.listed()] == ["ann"]
    assert json.dumps(Path("token").read_text()) and len(Path("token").read_text().strip()) > 30


def _score_all(folder: str) -> None:
    with Store.open(folder) as store:
        until(lambda: store.queue().waiting == 0, 120)


def _free() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
