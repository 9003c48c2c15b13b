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
from typing import IO

from unseen.data import decoder_protocol

START_S = 60.0
"""Seconds for a child's imports on a machine under load."""


ERROR_BYTES = 2**20
"""Most that a child writes to a file."""
_NO_MEMORY = (b"memory allocation of", b"Cannot allocate memory", b"MemoryError", b"could not spawn threads")
_NEAR_LIMIT = 16 << 20
"""Bytes below the limit of the address space: too few for the stack of a thread and its guard pages."""


class Late(Exception):
    """The child did not answer in time."""


class Gone(Exception):
    """The child ended while an answer was due."""


def environment() -> dict[str, str]:
    """Return the environment of a child that finds modules where this process does, in the same order.

    One thread each keeps the child's address space small. A panic in Rust prints no backtrace: without memory for one,
    it waits for ever.
    """
    paths = {"PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path)}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
    return os.environ | paths | dict.fromkeys(threads, "1") | {"RUST_BACKTRACE": "0"}


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


def error_file() -> IO[bytes]:
    """Return a new file in memory for a child's standard error."""
    return os.fdopen(os.memfd_create("errors"), "rb")


def needed_more_memory(child: subprocess.Popen[bytes], errors: IO[bytes], memory_mb: int) -> bool:
    """Return whether a child that failed had reached the limit of its address space.

    The allocator's messages show it. A reader that cannot start a thread gives no message and waits for ever; then the
    address space of the child, which still runs, is at its limit.

    Args:
        child: that failed, or does not answer.
        errors: file that is the child's standard error.
        memory_mb: limit of the child's address space.
    """
    if any(words in os.pread(errors.fileno(), ERROR_BYTES, 0) for words in _NO_MEMORY):
        return True
    return child.poll() is None and near_limit(child.pid, memory_mb)  # an ended one's number may be another process's


def near_limit(pid: int, memory_mb: int) -> bool:
    """Return whether a process's peak address space is near its limit; False if it has ended.

    >>> near_limit(os.getpid(), memory_mb=10**9)
    False
    """
    with suppress(OSError), open(f"/proc/{pid}/status", "rb") as status:
        peak = [int(line.split()[1]) for line in status if line.startswith(b"VmPeak:")]  # KiB
        return bool(peak) and memory_mb * 2**20 - peak[0] * 2**10 < _NEAR_LIMIT
    return False


def cause(child: subprocess.Popen[bytes]) -> str:
    """Return how a child ended that has closed its pipe, as part of a sentence."""
    with suppress(subprocess.TimeoutExpired):  # it closed its output and hangs
        child.wait(timeout=1)
    code = child.returncode
    if code is not None and code < 0:
        return f"signal {-code}, {signal.strsignal(-code)}"
    return f"exit status {code}"
