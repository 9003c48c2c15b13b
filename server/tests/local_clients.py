"""Many connections from addresses of this machine, as from many clients.

All of 127.0.0.0/8 is this machine on Linux. The ports are below those that the system gives away: hundreds of
connections would otherwise hold ports that another test has just found free for a server.
"""

from __future__ import annotations

import itertools
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_PORTS = itertools.cycle(range(20_000, 32_000))
for _ in range(os.getpid() * 97 % 12_000):  # another process begins elsewhere
    next(_PORTS)


def connect(port: int, *, source: str = "127.0.0.1", timeout_s: float = 30.0) -> socket.socket:
    """Connect to a port of 127.0.0.1 from an address of this machine."""
    for own in itertools.islice(_PORTS, 1000):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=timeout_s, source_address=(source, own))
        except OSError as error:
            if "in use" not in str(error) and "assign" not in str(error):
                raise
    raise AssertionError("no port is free for a client")


@contextmanager
def no_free_descriptor(*, apart_from: int = 0) -> Iterator[None]:
    """Leave this process no free file descriptor, or a few: `accept` and `open` fail in the block."""
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(highest)]  # every number below the limit is taken
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 1 + apart_from, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, kept)
        for descriptor in held:
            os.close(descriptor)
