"""Sends the worklist's audit trail to a syslog server, row by row, and continues where it stopped.

The number of the last row that was sent stands in a file in the worklist's folder, replaced by a rename: a process
killed between sending and writing sends some rows twice, and loses none. Syslog has no acknowledgement: what was on its
way when a TCP connection broke is lost where the break was not seen in time, and over UDP nobody knows what arrived.

RFC 5426 (UDP), RFC 6587 section 3.4.1 (TCP, octet counting), RFC 5425 (TLS).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unseen.artifacts import replacing
from unseen_server.pacs.audit_messages import syslog_message
from unseen_server.worklist.states import WorklistError

if TYPE_CHECKING:
    from unseen_server.pacs.non_dicom_settings import SyslogSettings
    from unseen_server.worklist.audit import Event
    from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

CURSOR: Final = "audit.sent"
_AT_ONCE = 500
_CONNECT_S = 10.0
_DATAGRAM = 60_000


class AuditSender:
    """Sends from `start` to `stop`. A server that cannot be reached is tried again; the rows wait."""

    def __init__(self, settings: SyslogSettings, store: Store, *, secure: ssl.SSLContext | None = None) -> None:
        self._settings, self._store, self._secure = settings, store, secure
        self._path = store.home / CURSOR
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-events", daemon=True)
        self._connection: socket.socket | None = None
        self._host = socket.gethostname()
        self._unreached = False

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End after the rows in hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sent = self.send()
            except OSError as error:
                if not self._unreached:  # once an outage, not once a try
                    _log.warning("audit.not_sent to=%s why=%s", self._settings.host, error.strerror or error)
                self._unreached = True
                self._close()
                sent = 0
            except WorklistError as error:
                _log.warning("audit.not_read why=%s", error)
                sent = 0
            if sent < _AT_ONCE:
                self._stopping.wait(self._settings.every_s)

    def send(self) -> int:
        """Send the rows that are new, some hundred at once; returns how many. Raises OSError where it cannot."""
        events = self._store.audit.after(sent_up_to(self._path), most=_AT_ONCE)
        for event in events:
            self._send(event)
        if events:
            self._settled()
            with replacing(self._path) as temporary:
                temporary.write_text(f"{events[-1].seq}\n", encoding="ascii")
            self._unreached = False
        return len(events)

    def _send(self, event: Event) -> None:
        message = syslog_message(event, source=self._settings.source, host=self._host, process=os.getpid())
        if self._connection is None:
            self._connection = self._connected()
        if self._settings.transport == "udp":
            self._connection.send(message[:_DATAGRAM])
        else:
            self._connection.sendall(b"%d " % len(message) + message)

    def _settled(self) -> None:
        """Find out whether the server has closed the connection: what was written into it then is not counted as sent.

        Raises OSError where it has.
        """
        if self._settings.transport == "udp" or self._connection is None:
            return
        self._connection.settimeout(0.05)
        try:
            with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
                if not self._connection.recv(1024):  # a syslog server says nothing
                    raise ConnectionResetError("the server has closed the connection")
        finally:
            self._connection.settimeout(_CONNECT_S)

    def _connected(self) -> socket.socket:
        place = (self._settings.host, self._settings.port)
        if self._settings.transport == "udp":
            family, kind, protocol, _, address = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
            connection = socket.socket(family, kind, protocol)
            connection.connect(address)
            return connection
        connection = socket.create_connection(place, timeout=_CONNECT_S)
        if self._secure is None:
            return connection
        try:
            return self._secure.wrap_socket(connection, server_hostname=self._settings.host)
        except OSError:
            connection.close()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None


def sent_up_to(path: Path) -> int:
    """Return the number of the last row that was sent; 0 where none was, or the file holds no number."""
    try:
        written = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return 0
    return int(written) if written.isdigit() else 0
