"""Reading of an A-ASSOCIATE-RQ: a connection has a time limit for it, before pynetdicom has any part in it.

A connection without a request is held in one thread and one buffer. Differs from pynetdicom, which starts two threads
and counts an association for each connection, and waits 30 s and longer for a request, however slowly it arrives.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, NamedTuple

IDENTIFY_S: Final = 10.0
"""Time from the accepted connection to the last byte of its request, the TLS handshake included."""
WAITING: Final = 64
"""Connections of a port that wait for their request."""
WAITING_EACH: Final = 16
"""The same, of one address."""
ABORT: Final = bytes.fromhex("07 00 00000004 0000 02 02")
"""A-ABORT-RQ of the service provider, reason: unexpected PDU (PS3.8, 9.3.8)."""
_HEAD: Final = 6
_TITLES: Final = 68
"""Bytes up to the variable items: versions, both titles, reserved ones (PS3.8, table 9-11)."""
_ASSOCIATE_RQ: Final = 1
_TLS_HANDSHAKE: Final = 0x16
"""First byte of a TLS connection (RFC 8446, 5.1)."""


class Rejection(NamedTuple):
    """Content of an A-ASSOCIATE-RJ (PS3.8, table 9-21)."""

    result: int
    source: int
    reason: int

    def encoded(self) -> bytes:
        """Return the PDU.

        Example:
            >>> Rejection(1, 1, 3).encoded().hex(" ")
            '03 00 00 00 00 04 00 01 01 03'
        """
        return bytes((3, 0, 0, 0, 0, 4, 0, *self))


class NotAdmittedError(Exception):
    """A connection ended, or sent something else than a request; `why` for the log.

    Args:
        abort: whether the peer gets an A-ABORT.
    """

    def __init__(self, why: str, *, abort: bool = False) -> None:
        super().__init__(why)
        self.why, self.abort = why, abort


@dataclass(eq=False)
class Arrival:
    """A connection that waits for its request.

    Args:
        until: when its time is over, on the monotonic clock.
    """

    connection: socket.socket
    address: str
    until: float = field(default_factory=lambda: time.monotonic() + IDENTIFY_S)
    _closed: bool = False
    _lock: Lock = field(default_factory=Lock)

    def secure(self, context: ssl.SSLContext) -> None:
        """Perform the TLS handshake. Raises OSError and NotAdmittedError."""
        with self._lock:
            if self._closed:
                raise NotAdmittedError("it made room for others")
            self.connection = context.wrap_socket(self.connection, server_side=True, do_handshake_on_connect=False)
        assert isinstance(self.connection, ssl.SSLSocket)
        self.connection.settimeout(self._left_s())
        self.connection.do_handshake()  # within that time in total

    def request(self, *, most_bytes: int) -> bytes:
        """Read the A-ASSOCIATE-RQ. Raises OSError and NotAdmittedError."""
        head = self._read(_HEAD)
        length = int.from_bytes(head[2:])
        if head[0] == _TLS_HANDSHAKE and not isinstance(self.connection, ssl.SSLSocket):
            raise NotAdmittedError("it sends TLS to the port without TLS")
        if head[0] != _ASSOCIATE_RQ:
            raise NotAdmittedError(f"its first PDU has type {head[0]}, not an A-ASSOCIATE-RQ", abort=True)
        if not _TITLES <= length <= most_bytes:
            raise NotAdmittedError(f"its request has {length} bytes", abort=True)
        return head + self._read(length)

    def end(self) -> None:
        """Wake the thread that reads from the connection; it then closes it."""
        with self._lock, contextlib.suppress(OSError):
            self._closed = True
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)  # SSLSocket's own is for its reader alone

    def close(self, last: bytes = b"") -> None:
        """Send the last bytes and close."""
        with self._lock, contextlib.suppress(OSError, ValueError):  # ValueError: TLS that was never established
            self._closed = True
            if last:
                self.connection.settimeout(1.0)
                self.connection.sendall(last)
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
        self.connection.close()

    def _read(self, count: int) -> bytes:
        buffer = bytearray(count)
        view, done = memoryview(buffer), 0
        while done < count:
            self.connection.settimeout(self._left_s())
            read = self.connection.recv_into(view[done:])
            if not read:
                raise NotAdmittedError("it ended before its request")
            done += read
        return bytes(buffer)

    def _left_s(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise NotAdmittedError(f"no whole request within {IDENTIFY_S:g} s")
        return left


def titles_of(request: bytes) -> tuple[str, str]:
    """Return the calling and the called AE title of an A-ASSOCIATE-RQ."""
    called, calling = request[10:26], request[26:42]
    return calling.decode("latin-1").strip(), called.decode("latin-1").strip()
