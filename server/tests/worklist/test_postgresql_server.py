"""The tests' PostgreSQL server ends with the program that began it, and leaves no folder behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worklist.postgresql import binaries, server

ROOT = Path(__file__).parents[3]
_HOLDS = """
import sys
from tests.worklist.postgresql import binaries, server
with server(binaries(), durable=True) as url:
    print(url.query["host"], flush=True)
    sys.stdin.read()
"""


def comes_true(asked: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Return True once a condition holds, within a time."""
    until = time.monotonic() + within_s
    while not asked() and time.monotonic() < until:
        time.sleep(0.05)
    return asked()


@pytest.fixture
def programs(program: Callable[..., str]) -> Path:
    return binaries() or Path(program("initdb")).parent


@pytest.mark.nightly
@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGKILL, id="SIGKILL")],
)
def test_a_killed_program_leaves_no_server_and_no_folder(programs: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS], cwd=ROOT / "server", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        process = Path("/proc") / (folder / "data" / "postmaster.pid").read_text().split()[0]
        assert process.exists()
        holder.send_signal(how)
    assert comes_true(lambda: not folder.exists()), "its folder stays"
    assert comes_true(lambda: not process.exists()), "the server runs on"


@pytest.mark.nightly
def test_a_failure_within_leaves_no_folder(programs: Path) -> None:
    with pytest.raises(ZeroDivisionError), server(programs) as url:
        folder = Path(str(url.query["host"]))
        assert folder.exists()
        raise ZeroDivisionError
    assert not folder.exists()


@pytest.mark.nightly
def test_settings_are_the_servers(programs: Path) -> None:
    with pytest.raises(AssertionError, match="start"), server(programs, settings={"shared_buffers": "none"}) as url:
        raise ValueError(url)
