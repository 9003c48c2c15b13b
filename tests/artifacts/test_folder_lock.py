"""A folder's lock keeps other processes out, and disappears with the process that holds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unseen.artifacts.folder_lock import FolderInUse, locked

HOLD = """
import sys
from pathlib import Path
from unseen.artifacts.folder_lock import locked
with locked(Path(sys.argv[1]), wait=len(sys.argv) > 2):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holding(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start another process that holds the folder's lock, or waits for it."""
    command = [sys.executable, "-c", HOLD, str(folder), *words]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_another_process_keeps_the_folder_until_it_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with holding(folder) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse) as caught, locked(folder):
            pass
        assert str(caught.value).startswith(f"{folder}: another process writes into this folder.")
        with locked(tmp_path / "other"):
            pass
        other.kill()
    with locked(folder):
        pass


def test_a_process_that_waits_gets_the_folder_next(tmp_path: Path) -> None:
    with locked(tmp_path):
        other = holding(tmp_path, "wait")
    with other:
        assert other.stdout and other.stdout.readline() == "held\n"
        other.kill()
