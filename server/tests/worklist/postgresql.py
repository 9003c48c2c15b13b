"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket alone, gone when the tests are.

A small program beside it waits for this one's end, stops the server and deletes its folder: also where this one is
killed, and could do neither.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

_SHM = Path("/dev/shm")
MEMORY = str(_SHM) if os.access(_SHM, os.W_OK) and shutil.disk_usage(_SHM).free > 2**30 else None
"""Folder in memory for temporary folders; None: the default folder."""
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
_SETTINGS = {"listen_addresses": "", "shared_buffers": "64MB", "max_connections": "60"}
# It is thrown away, so nothing waits for its disk; what is tested is killed, the server is not.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Waits for a line, or for the end of the program that would write it.
_GUARD = """
read -r line
folder=$1
shift
"$@" --mode=immediate stop
rm -rf -- "$folder"
"""


def binaries() -> Path | None:
    """Folder of `initdb` and `pg_ctl`; Debian keeps them off the path."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return _BINARIES[-1] if _BINARIES else None


@contextmanager
def server(
    programs: Path,
    *,
    begin_with: Path | None = None,
    keep: Path | None = None,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[sqlalchemy.URL]:
    """Yield a running server, as the URL of its database `postgres`.

    Args:
        begin_with: the data of a server that was kept; without it the databases are made, which takes a second or two.
        keep: where the data go, whole, when the server has ended.
        durable: its data are on the disk, and each commit waits for it, as at a site: for benchmarks.
        settings: of the server, beside these or in their place.
    """
    where = None if durable else MEMORY
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=where))  # short: a socket's path has 107 characters at most
    data = folder / "data"
    become: list[str] = []
    if os.geteuid() == 0:  # the server refuses root
        shutil.chown(folder, "postgres", "postgres")
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    control = [*become, str(programs / "pg_ctl"), f"--pgdata={data}", "--silent"]
    chosen = _SETTINGS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
    options = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in chosen.items()) + f" -k {folder}"
    guard = subprocess.Popen(
        ["sh", "-c", _GUARD, "guard", str(folder), *control],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what is sent to this program's group, such as an interrupt, does not end it
    )

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    try:
        if begin_with is None:
            run(*become, str(programs / "initdb"), f"--pgdata={data}", "--username=unseen", "--auth=trust",
                "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=1")  # fmt: skip
        else:
            run("cp", "--archive", str(begin_with), str(data))  # 1,500 files, with their owner and modes
        run(*control, f"--log={folder / 'log'}", f"--options={options}", "--wait", "start")
        yield sqlalchemy.URL.create("postgresql", username="unseen", database="postgres", query={"host": str(folder)})
        if keep is not None:
            run(*control, "--mode=fast", "stop")
            run("cp", "--archive", str(data), str(keep))
    finally:
        guard.communicate(b"\n")
