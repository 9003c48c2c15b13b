"""Pipe from a child process that reads files: messages with a deadline, and the child's environment."""

import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

from unseen.data import decoder_protocol

START_S = 60.0
"""Seconds for a child's imports on a machine under load."""


class Late(Exception):
    """The child did not answer in time."""


class Gone(Exception):
    """The child ended while an answer was due."""


def environment() -> dict[str, str]:
    """Return the environment of a child that finds modules where this process does, in the same order.

    One thread each keeps the child's address space small.
    """
    paths = {"PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path)}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
    return os.environ | paths | dict.fromkeys(threads, "1")


def message(descriptor: int, deadline: float, *, most: int = decoder_protocol.MAX_FRAME) -> decoder_protocol.Message:
    """Return the next message from the pipe.

    Args:
        descriptor: the pipe's end.
        deadline: latest time, by the monotonic clock; infinity: none.
        most: length of the longest message, bytes.

    Raises:
        Late: it did not come in time.
        Gone: the child closed the pipe.
        ValueError: it is longer, or no JSON.
    """
    head = bytearray(decoder_protocol.LENGTH.size)
    receive(descriptor, memoryview(head), deadline)
    (length,) = decoder_protocol.LENGTH.unpack(head)
    if length > most:
        raise ValueError(f"a message of {length} bytes")
    body = bytearray(length)
    receive(descriptor, memoryview(body), deadline)
    found: decoder_protocol.Message = json.loads(body)
    return found


def receive(descriptor: int, into: memoryview, deadline: float) -> None:
    """Fill `into` from the pipe.

    Raises:
        Late: it did not come in time.
        Gone: the child closed the pipe.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    done = 0
    while done < len(into):
        wait_ms = None if math.isinf(deadline) else max(0.0, deadline - time.monotonic()) * 1000
        if not poll.poll(wait_ms):
            raise Late
        count = os.readv(descriptor, [into[done:]])
        if not count:
            raise Gone
        done += count


def cause(child: subprocess.Popen[bytes]) -> str:
    """Return how a child ended that has closed its pipe, as part of a sentence."""
    with suppress(subprocess.TimeoutExpired):  # it closed its output and hangs
        child.wait(timeout=1)
    code = child.returncode
    if code is not None and code < 0:
        return f"signal {-code}, {signal.strsignal(-code)}"
    return f"exit status {code}"
