"""Atomic files: old or new, never half."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tests.warm_python import warm_python
from unseen.artifacts.file_digest import sha256_of
from unseen.artifacts.files import clear_leftovers, leftovers, replacing, replacing_folder, write_bytes, write_text

SIZE = 4_000_000
_WRITER = f"""
import sys
from unseen.artifacts.files import write_bytes
i = 0
while True:
    write_bytes(sys.argv[1], bytes([65 + i % 26]) * {SIZE})
    i += 1
"""


@pytest.mark.slow
def test_a_writer_killed_within_a_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    path, writer, log = folder / "file.bin", tmp_path / "writer.py", tmp_path / "log"
    writer.write_text(_WRITER)
    choice = random.Random(0)
    within = 0
    for i in range(10):
        process = warm_python().start(writer, path, cwd=tmp_path, environment=os.environ, out=log, err=log)
        known = set(leftovers(path))
        while process.poll() is None and (not path.exists() or not set(leftovers(path)) - known):
            time.sleep(0.0002)
        if i % 2:
            time.sleep(choice.uniform(0, 0.01))
        process.kill()
        assert process.wait() == -signal.SIGKILL, log.read_text()
        within += bool(set(leftovers(path)) - known)
        content = path.read_bytes()
        assert len(content) == SIZE
        assert len(set(content)) == 1, "bytes of one write alone"
    assert within >= 3, f"{within} of 10 kills fell within a write"
    clear_leftovers(path)
    assert list(folder.iterdir()) == [path]


def test_an_error_within_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old σ\n")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("new")
        raise ZeroDivisionError
    assert path.read_bytes() == "old σ\n".encode()
    assert list(tmp_path.iterdir()) == [path]


_LIBRARIES = {
    "torch": "import torch; torch.save(torch.zeros(100_000), temporary)",
    "polars": "import polars as pl; pl.DataFrame({'a': range(100_000)}).write_parquet(temporary)",
    "numpy": "import numpy as np; np.save(temporary.open('wb'), np.zeros(100_000))",
}


@pytest.mark.parametrize("library", _LIBRARIES)
def test_on_a_full_disk_a_librarys_own_words_become_the_systems(library: str, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    target, program = folder / "kept", tmp_path / "program.py"
    target.write_text("whole")
    program.write_text(f"""
import resource
from pathlib import Path
from unseen.artifacts.files import is_full, replacing
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # the system keeps it as it does space
try:
    with replacing(Path({str(target)!r})) as temporary:
        {_LIBRARIES[library]}
except OSError as error:
    print(is_full(error), error.errno, error.__cause__ is not None, error.filename)
""")
    done = warm_python().run(program, cwd=tmp_path, environment=os.environ)
    assert done.out.split() == ["True", str(errno.EFBIG), "True", str(target)], done.err
    assert target.read_text() == "whole" and [path.name for path in folder.iterdir()] == ["kept"]


def test_an_error_of_the_system_names_the_file_and_not_the_temporary(tmp_path: Path) -> None:
    long = tmp_path / ("a" * 250 + ".csv")  # the temporary's name is longer, and too long
    with pytest.raises(OSError, match="File name too long") as caught:
        write_text(long, "a")
    assert (caught.value.errno, caught.value.filename) == (errno.ENAMETOOLONG, str(long))
    with pytest.raises(OSError, match="File name too long") as caught, replacing(long) as temporary:
        pl.DataFrame({"a": [1]}).write_csv(temporary)  # raises an OSError without a number
    assert caught.value.filename == str(long)
    (folder := tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as caught_folder:
        write_text(folder, "a")
    assert (caught_folder.value.filename, caught_folder.value.filename2) == (str(folder), None)
    with pytest.raises(OSError, match="too long") as caught, replacing_folder(long):
        pass
    assert caught.value.filename == str(long)
    assert not list(tmp_path.glob(".*"))


def test_an_error_within_the_block_leaves_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with replacing_folder(path) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing_folder(path) as temporary:
        (temporary / "a").write_text("new")
        raise ZeroDivisionError
    assert (path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("a", "b"):
        with replacing_folder(path) as temporary:
            (temporary / name).write_text(name)
            assert not (path / name).exists()
    assert [file.name for file in path.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [path]


_REPLACER = """
import sys
from pathlib import Path
from unseen.artifacts.files import replacing_folder
def stop(event, args):
    if event == "os.rename" or event == "os.remove":
        import os
        os._exit(9)
with replacing_folder(Path(sys.argv[1])) as temporary:
    (temporary / "a").write_text("new")
    sys.addaudithook(stop)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="two folders are exchanged in one step on Linux alone")
def test_a_folder_being_replaced_is_there_at_every_moment(tmp_path: Path) -> None:
    path, program = tmp_path / "folder", tmp_path / "program.py"
    program.write_text(_REPLACER)
    path.mkdir()
    (path / "a").write_text("old")
    done = warm_python().run(program, path, cwd=tmp_path, environment=os.environ)
    assert done.code == 9, done.err  # stopped at the first change after the folder was whole
    assert (path / "a").read_text() == "new"
    with replacing_folder(path) as temporary:
        (temporary / "a").write_text("newer")
    clear_leftovers(path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "program.py"]


def test_a_link_that_is_replaced_by_a_folder_leaves_no_temporary(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "link").symlink_to("v1")
    with replacing_folder(tmp_path / "link") as temporary:
        (temporary / "a").write_text("a")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "v1"]
    assert (tmp_path / "link" / "a").read_text() == "a" and not (tmp_path / "v1" / "a").exists()


def test_without_an_exchange_a_folder_is_replaced_by_two_renames_or_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchange(one: Path, other: Path) -> bool:
        if refuses:
            shutil.rmtree(one)  # so that the second rename fails
        return False

    refuses, path = False, tmp_path / "folder"
    monkeypatch.setattr("unseen.artifacts.files._exchange", exchange)
    for text in ("old", "new"):
        with replacing_folder(path) as temporary:
            (temporary / "a").write_text(text)
    assert (path / "a").read_text() == "new" and list(tmp_path.iterdir()) == [path]
    refuses = True
    with pytest.raises(FileNotFoundError) as caught, replacing_folder(path) as temporary:
        (temporary / "a").write_text("newer")
    assert caught.value.filename == str(path)
    assert (path / "a").read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_leftovers_are_those_of_one_name(tmp_path: Path) -> None:
    others = [".a.txt.bak", ".a.txt.v2.01234567.tmp", ".b.txt.01234567.tmp", "a.txt"]
    for name in (".a.txt.01234567.tmp", *others):
        (tmp_path / name).touch()
    (tmp_path / ".a.txt.89abcdef.tmp").mkdir()
    (tmp_path / ".a.txt.89abcde0.tmp").symlink_to(tmp_path)
    clear_leftovers(tmp_path / "a.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == others
    assert leftovers(tmp_path / "nowhere" / "a.txt") == []


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    data = random.Random(0).randbytes((1 << 20) + 17)
    write_bytes(tmp_path / "file", data)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_an_error_in_a_folder_names_the_file_by_its_final_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, replacing_folder(tmp_path / "model") as temporary:
        (temporary / "gone").read_bytes()
    assert caught.value.filename == str(tmp_path / "model" / "gone")
