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

ROOT = Path(__file__).parents[2]
_HOLDS = """
import sys
from tests.worklist.postgresql import binaries, server
with server(binaries(), durable=True) as url:
    print(url.query["host"], flush=True)
    sys.stdin.read()
"""


def gone(folder: Path, within_s: float = 60.0) -> bool:
    """Whether no such folder is there any more, within a time."""
    until = time.monotonic() + within_s
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return not folder.exists()


def runs(number: int) -> bool:
    """Whether a process of this number runs."""
    return Path(f"/proc/{number}").exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_a_killed_program_leaves_no_server_and_no_folder(program: Callable[..., str], how: signal.Signals) -> None:
    program("setpriv")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        number = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        assert runs(number)
        holder.send_signal(how)
    assert gone(folder) and not runs(number)


def test_a_failure_within_leaves_no_folder() -> None:
    programs = binaries()
    assert programs is not None
    with pytest.raises(ZeroDivisionError), server(programs) as url:
        folder = Path(str(url.query["host"]))
        assert folder.exists()
        raise ZeroDivisionError
    assert not folder.exists()


def test_settings_are_the_servers(program: Callable[..., str]) -> None:
    programs = binaries() or Path(program("initdb")).parent
    with pytest.raises(AssertionError, match="start"), server(programs, settings={"shared_buffers": "none"}) as url:
        raise ValueError(url)
