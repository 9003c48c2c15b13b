"""A folder's lock keeps other processes out, and disappears with the process that holds it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from unseen.artifacts.folder_lock import FolderInUse, locked, sole_writer

HOLD = """
import os, sys
from pathlib import Path
from unseen.artifacts.folder_lock import locked, sole_writer
path, *words = sys.argv[1:]
if os.geteuid() == 0 and words in (["output"], ["other user"]):
    os.seteuid(65534)
with sole_writer(Path(path)) if words == ["output"] else locked(Path(path), wait=words == ["wait"]):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holding(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start another process that holds the folder's lock, or waits for it."""
    command = [sys.executable, "-c", HOLD, str(folder), *words]
    return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def assert_kept_out(lock: Callable[[Path], AbstractContextManager[object]], folder: Path, *words: str) -> None:
    """Assert that nobody gets the lock while another process holds it, and that this process ends as usual."""
    with holding(folder, *words) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse), lock(folder):
            pass
        other.communicate("\n")
    assert other.returncode == 0


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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which every user may write; those above `tmp_path` are of one user."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_another_process_keeps_an_output_until_it_is_killed(open_folder: Path) -> None:
    output = open_folder / "new"
    with holding(output, "output") as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse) as caught, sole_writer(output):
            pass
        assert str(caught.value).startswith(f"{output}: another command is writing it. Wait until it ends")
        with sole_writer(output.with_name("other")):
            pass
        other.kill()
    with sole_writer(output):
        pass
    assert not list(output.parent.iterdir()), "no lock is left"


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_lock_that_another_user_left_keeps_nobody_out(open_folder: Path, mode: int) -> None:
    output = open_folder / "new"
    lock = open_folder / ".new.lock"
    lock.touch(mode=0o444)
    open_folder.chmod(mode)
    assert_kept_out(sole_writer, output, "output")


def test_a_folder_with_the_lock_of_another_user_is_locked_and_one_that_cannot_be_read_is_named(
    open_folder: Path,
) -> None:
    lock = open_folder / ".lock"
    lock.touch(mode=0o444)
    assert_kept_out(locked, open_folder, "other user")
    lock.chmod(0o000)
    failed = subprocess.run(
        [sys.executable, "-c", HOLD, str(open_folder), "other user"], text=True, capture_output=True
    )
    assert f"PermissionError: [Errno 13] Permission denied: '{lock}'" in failed.stderr


def test_an_output_that_fails_is_free_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), sole_writer(tmp_path / "new"):
        raise KeyboardInterrupt
    with sole_writer(tmp_path / "new"):
        pass
