"""Servers that run on one worklist: each holds the lock of a file of its own that names its process and address.

The operating system releases the lock when the process ends, however it ends, so a file without a lock is a killed
server's and is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from unseen_server.worklist.file_lock import locked

FOLDER: Final = "servers"


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """Process of a server, and the address where it listens.

    >>> str(RunningServer(process=4711, machine=socket.gethostname(), address="http://127.0.0.1:8080"))
    'process 4711, http://127.0.0.1:8080'
    >>> str(RunningServer(process=1, machine="ward-3", address="http://0.0.0.0:8080"))
    'process 1 on ward-3, http://0.0.0.0:8080'
    """

    process: int
    machine: str
    address: str

    def __str__(self) -> str:
        machine = "" if self.machine == socket.gethostname() else f" on {self.machine}"
        return f"process {self.process}{machine}, {self.address}"


@contextlib.contextmanager
def announced(home: Path, address: str) -> Iterator[list[RunningServer]]:
    """Yield the other servers that run on the worklist in `home`; be one of them until the block ends.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> with announced(home, "http://127.0.0.1:8080") as first, announced(home, "http://127.0.0.1:8081") as second:
    ...     first, [server.address for server in second]
    ([], ['http://127.0.0.1:8080'])
    """
    folder = home / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    own = folder / f"{secrets.token_hex(8)}.json"
    with locked(home / "servers.lock"):  # no other server takes the new file for a killed server's
        others = _running(folder)
        descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            server = RunningServer(process=os.getpid(), machine=socket.gethostname(), address=address)
            os.write(descriptor, json.dumps(asdict(server)).encode())
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            own.unlink(missing_ok=True)
            os.close(descriptor)
            raise
    try:
        yield others
    finally:
        own.unlink(missing_ok=True)
        os.close(descriptor)


def _running(folder: Path) -> list[RunningServer]:
    """Return the servers whose files are locked; remove the files of killed servers."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(FileNotFoundError), path.open() as file:  # not found: that server has ended by now
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(RunningServer(**json.load(file)))
            else:
                path.unlink()
    return found
