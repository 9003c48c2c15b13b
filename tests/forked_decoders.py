"""Decoders of films and readers of Parquet files as forks of light processes, which saves their imports.

`python -m tests.forked_decoders ADDRESS MODULE` listens at this address, an abstract socket, until its standard input
ends, and forks children that run this module (`forked_children`). Servers that `warm_python` starts take their decoders
from one; tests take decoders and readers of Parquet files from others (`forked`). What a child imports is all
that this process has imported, so that the limit of memory, which a child sets itself, holds as in an interpreter of
its own. Children that are interpreters of their own are tested by `tests/data/test_decode.py` and
`tests/data/test_manifest_attacks.py`.
"""

from __future__ import annotations

import functools
import importlib
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import forked_children
from unseen.data import child_pipe, decode

DECODER = "unseen.data.decoder_child"
PARQUET = "unseen.data.parquet_child"
IMPORTS = {
    DECODER: ("unseen.data.decoder_protocol", "unseen.data.dicom", "unseen.data.image_files"),
    PARQUET: ("unseen.data.child_pipe", "unseen.data.parquet_limits", "polars", "polars.selectors"),
}


@functools.cache
def start(module: str = DECODER) -> tuple[str, subprocess.Popen[bytes]]:
    """Start the process, which ends with this one and its forks; return its address's name, and the process."""
    name = f"{module}-{os.getpid()}"
    begun = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_decoders", name, module],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_pipe.environment() | decode._KEEP_MEMORY,
    )
    assert begun.stdout is not None
    assert begun.stdout.readline() == b"listens\n"
    begun.stdout.close()
    return name, begun


def use() -> None:
    """Take decoders from the process that `start` began; call it in a fork."""
    name = start()[0]
    forked_children.take_from(DECODER, lambda: f"\0{name}")


@contextmanager
def forked(module: str) -> Iterator[None]:
    """This process's children that run `module` are forks. The process that they come from starts with the first."""
    forked_children.take_from(module, lambda: f"\0{start(module)[0]}")
    try:
        yield
    finally:
        forked_children.take_from(module, None)


def main() -> None:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(f"\0{sys.argv[1]}")
    listening.listen(64)
    os.write(1, b"listens\n")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    for name in IMPORTS[sys.argv[2]]:
        importlib.import_module(name)
    serving: list[int] = []
    while 0 not in select.select([0, listening], [], [])[0]:
        connected, _ = listening.accept()
        serving = [pid for pid in serving if not os.waitpid(pid, os.WNOHANG)[0]]
        serving.append(os.fork())
        if serving[-1] == 0:
            listening.close()
            module = forked_children.orders(connected)
            if module is not None:
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            os._exit(0)
        connected.close()


if __name__ == "__main__":
    main()
