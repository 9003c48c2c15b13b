"""Decoders of films (`unseen.data.decoder_child`) as forks of one light process, which saves their imports.

`python -m tests.forked_decoders ADDRESS` listens at this address, an abstract socket, until its standard input ends.
Servers that `warm_python` starts take their decoders from there (`forked_children`). What a decoder imports is all
that this process has imported, so that the limit of memory, which a decoder sets itself, holds as in an interpreter of
its own. Decoders that are interpreters of their own are tested by `tests/data/test_decode.py`.
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
from pathlib import Path

from tests import forked_children
from unseen.data import child_pipe, decode

IMPORTS = ("unseen.data.decoder_protocol", "unseen.data.dicom", "unseen.data.image_files")


@functools.cache
def start() -> tuple[str, subprocess.Popen[bytes]]:
    """Start the process, which ends with this one and its forks; return its address's name, and the process."""
    name = f"unseen-decoders-{os.getpid()}"
    begun = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_decoders", name],
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
    forked_children.take_decoders_from(f"\0{start()[0]}")


def main() -> None:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(f"\0{sys.argv[1]}")
    listening.listen(64)
    os.write(1, b"listens\n")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    for name in IMPORTS:
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
