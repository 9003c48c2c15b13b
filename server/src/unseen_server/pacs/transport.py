"""The node's sockets: TLS by the BCP 195 profile (PS3.15 B.9), and a server that no silent client can hold up.

Differs from pynetdicom's server, which shakes hands for TLS in the thread that accepts connections, and reads a PDU of
any length that a peer announces.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import threading
from typing import Any, Final

from pynetdicom import _config
from pynetdicom.transport import AssociationSocket, ThreadedAssociationServer

from unseen_server.pacs.config import PacsConfig, PacsConfigError

_log = logging.getLogger("unseen")
_config.LOG_HANDLER_LEVEL = "none"  # its handlers write out what peers send, patients' names included
for _library in ("pynetdicom", "dicomweb_client", "retrying", "urllib3"):  # what happens is logged here, in our words
    logging.getLogger(_library).setLevel(logging.CRITICAL)

HANDSHAKE_S: Final = 10.0
SPARE: Final = 8
"""Connections above the limit of associations: these are refused in words; those above are closed."""

# RFC 9325 (BCP 195), 4.2; TLS 1.3 brings its own
OLDEST: Final = ssl.TLSVersion.TLSv1_2
CIPHERS: Final = ":".join(
    f"ECDHE-{key}-{cipher}" for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384") for key in ("ECDSA", "RSA")
)


def server_context(config: PacsConfig) -> ssl.SSLContext:
    """For the port that takes TLS: clients must show a certificate that the configured authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _fill(context, config)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def web_context(config: PacsConfig) -> ssl.SSLContext:
    """For HTTP with TLS: the node shows its certificate, and clients show tokens instead of one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _fill(context, config)
    return context


def client_context(config: PacsConfig) -> ssl.SSLContext:
    """For calling peers by TLS: their certificate is checked, their host's name too, and ours is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _fill(context, config)
    return context


def _fill(context: ssl.SSLContext, config: PacsConfig) -> None:
    tls = config.tls
    if tls is None:
        raise PacsConfigError("pacs.toml has no table [tls]. Add it, with certificate, key and ca")
    context.minimum_version = OLDEST
    context.set_ciphers(CIPHERS)
    try:
        context.load_cert_chain(config.file(tls.certificate), config.file(tls.key))
        context.load_verify_locations(config.file(tls.ca))
    except OSError as error:  # SSLError is one
        raise PacsConfigError(
            f"The certificate, key or ca of [tls] cannot be used ({error}). Give PEM files that belong together"
        ) from error


class Server(ThreadedAssociationServer):
    """Takes connections and hands each to a thread of its own, in which it also shakes hands for TLS."""

    daemon_threads = True
    block_on_close = False
    secure: ssl.SSLContext | None = None
    most_connections = 0
    idle_s = 60.0

    def verify_request(self, request: Any, client_address: Any) -> bool:  # Any: socketserver's own
        """Whether there is still a thread for this connection."""
        alive = sum(1 for thread in threading.enumerate() if "AcceptorThread" in thread.name)
        if alive < self.most_connections:
            return True
        _log.warning("pacs.connection_closed address=%s why=too many connections", client_address[0])
        return False

    def shutdown(self) -> None:
        """Take no more connections."""
        socketserver.BaseServer.shutdown(self)
        self.server_close()

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # Any: socketserver's own
        """Shake hands where TLS is asked for, then begin the association."""
        if self.secure is not None:
            try:
                request.settimeout(HANDSHAKE_S)
                request = self.secure.wrap_socket(request, server_side=True)
            except OSError as error:
                _log.warning("pacs.tls_refused address=%s why=%s", client_address[0], _short(error))
                self.shutdown_request(request)
                return
        request.settimeout(self.idle_s)  # a peer may stop in the middle of a PDU
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().process_request_thread(request, client_address)


def bounded(association_socket: AssociationSocket, *, most_bytes: int) -> None:
    """Let a socket read no PDU above `most_bytes`: the connection ends instead.

    It reads into one buffer, too, where pynetdicom adds up pieces of 4 kB: a quarter of the processor time of a film.
    """

    def recv(count: int) -> bytearray:
        connection = association_socket.socket
        if connection is None or count > most_bytes:
            raise OSError(f"a PDU of {count} bytes, or a closed connection; the limit is {most_bytes}")
        buffer = bytearray(count)
        view, done = memoryview(buffer), 0
        while done < count:
            read = connection.recv_into(view[done:])
            if not read:
                return bytearray(view[:done])
            done += read
        return buffer

    association_socket.recv = recv  # type: ignore[method-assign, assignment]


def _short(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return str(reason).replace("\n", " ")[:120]
