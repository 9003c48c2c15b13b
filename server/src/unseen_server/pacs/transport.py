"""The node's sockets: TLS by the BCP 195 profile (PS3.15 B.9), and a server that no unknown client can occupy.

Differs from pynetdicom's server, which makes an association for every connection, shakes hands for TLS in the thread
that accepts connections, and reads a PDU of any length that a peer announces.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import threading
import time
from typing import Any, Final, Protocol

from pynetdicom import _config, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from unseen_server.pacs import certificates, request_reading
from unseen_server.pacs.accept_log import AcceptLog
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.request_reading import Arrival, NotAdmittedError, Rejection
from unseen_server.service.waiting_clients import WaitingClients

_log = logging.getLogger("unseen")
_config.LOG_HANDLER_LEVEL = "none"  # its handlers write out what peers send, patients' names included
for _library in ("pynetdicom", "dicomweb_client", "retrying", "urllib3"):  # what happens is logged here, in our words
    logging.getLogger(_library).setLevel(logging.CRITICAL)

_ENTRANCE_S: Final = 2.0
_ACCEPT_AGAIN_S: Final = 0.1
_REQUEST_RECEIVED: Final = "Evt6"
"""Event of the state machine: an A-ASSOCIATE-RQ was received (PS3.8, table 9-10)."""


def server_context(config: PacsConfig) -> ssl.SSLContext:
    """Return the context of the TLS port: clients must show a certificate that the configured authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.load(context, config)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def web_context(config: PacsConfig) -> ssl.SSLContext:
    """Return the context for HTTP with TLS: the node shows its certificate, and clients show tokens instead of one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.load(context, config)
    return context


def client_context(config: PacsConfig) -> ssl.SSLContext:
    """Return the context for calling peers by TLS: their certificate and host name are checked, and ours is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificates.load(context, config)
    return context


class Admitting(Protocol):
    """Decision about connections and associations; see `association_admission.AssociationAdmission`."""

    def knows(self, address: str) -> bool:
        """Return whether any peer may connect from this address."""

    def identified(self, *, calling: str, called: str, address: str, secure: bool) -> Peer | Rejection:
        """Return the peer that asks for an association, or why it may not."""

    def admitted(self, peer: Peer) -> Slot | Rejection:
        """Return a place for the association of a peer, or why there is none."""

    def begun(self, association: Association, slot: Slot) -> None:
        """Take note of the association that the place is for; it runs next."""

    def left(self, slot: Slot) -> None:
        """Free a place whose association has not begun."""


class Slot(Protocol):
    """A place among the associations at once."""


class Server(ThreadedAssociationServer):
    """Server that accepts connections from known addresses, and makes an association for each peer that it admits."""

    daemon_threads = True
    block_on_close = False
    secure: ssl.SSLContext | None = None
    idle_s = 60.0
    most_request_bytes = 2**17
    admitting: Admitting

    def __init__(self, *arguments: Any, **more: Any) -> None:  # Any: pynetdicom's own
        self._arrivals: WaitingClients[Arrival] = WaitingClients(
            most=request_reading.WAITING, most_each=request_reading.WAITING_EACH
        )
        self._entrances: set[threading.Thread] = set()
        self._accept_log = AcceptLog("pacs")
        super().__init__(*arguments, **more)

    @property
    def unidentified(self) -> int:
        """Number of connections that have not sent a whole request."""
        return len(self._arrivals)

    def get_request(self) -> Any:  # Any: socketserver's own
        """Accept a connection, or wait a little where that fails: the caller tries again at once."""
        try:
            found = super().get_request()
        except OSError as error:  # no descriptor is free, or the client has left
            self._accept_log.failed(error)
            time.sleep(_ACCEPT_AGAIN_S)
            raise
        self._accept_log.succeeded()
        return found

    def verify_request(self, request: Any, client_address: Any) -> bool:  # Any: socketserver's own
        """Return whether a peer may connect from there; the connection is closed where none may."""
        if self.admitting.knows(client_address[0]):
            return True
        _log.warning("pacs.connection_closed address=%s why=no peer connects from there", client_address[0])
        return False

    def process_request(self, request: Any, client_address: Any) -> None:  # Any: socketserver's own
        """Read the request in a thread of its own."""
        arrival = Arrival(request, str(client_address[0]))
        if (oldest := self._arrivals.enter(arrival, arrival.address)) is not None:
            _log.warning("pacs.connection_closed address=%s why=others wait, too", oldest.address)
            oldest.end()
        thread = threading.Thread(target=self._enter, args=(arrival, client_address), name="pacs-arrival", daemon=True)
        self._entrances.add(thread)
        try:
            thread.start()
        except RuntimeError:  # no more threads
            self._entrances.discard(thread)
            self._arrivals.leave(arrival)
            arrival.close()

    def shutdown(self) -> None:
        """Accept no more connections, and end those without a request."""
        socketserver.BaseServer.shutdown(self)
        self.server_close()
        for arrival in self._arrivals.all():
            arrival.end()
        for thread in list(self._entrances):
            thread.join(_ENTRANCE_S)

    def _enter(self, arrival: Arrival, client_address: Any) -> None:  # Any: socketserver's own
        try:
            self._identify(arrival, client_address)
        finally:
            self._arrivals.leave(arrival)
            self._entrances.discard(threading.current_thread())

    def _identify(self, arrival: Arrival, client_address: Any) -> None:  # Any: socketserver's own
        """Shake hands where TLS is asked for, read the request, and begin the association or refuse it."""
        try:
            if self.secure is not None:
                arrival.secure(self.secure)
            request = arrival.request(most_bytes=self.most_request_bytes)
        except (OSError, ValueError) as error:  # ValueError: TLS that was ended in the meantime
            what = "connection_closed" if self.secure is None else "tls_refused"
            _log.warning("pacs.%s address=%s why=%s", what, arrival.address, certificates.why_refused(error))
            return arrival.close()
        except NotAdmittedError as error:
            _log.warning("pacs.connection_closed address=%s why=%s", arrival.address, error.why)
            return arrival.close(request_reading.ABORT if error.abort else b"")
        if not self._arrivals.leave(arrival):
            return arrival.close()
        calling, called = request_reading.titles_of(request)
        secure = self.secure is not None
        peer = self.admitting.identified(calling=calling, called=called, address=arrival.address, secure=secure)
        if isinstance(peer, Rejection):
            return arrival.close(peer.encoded())
        if (decoded := _decoded(request)) is None:
            _log.warning("pacs.connection_closed address=%s why=its request cannot be decoded", arrival.address)
            return arrival.close(request_reading.ABORT)
        slot = self.admitting.admitted(peer)
        if isinstance(slot, Rejection):
            return arrival.close(slot.encoded())
        try:
            self._begin(arrival, client_address, decoded, slot)
        except BaseException:
            self.admitting.left(slot)
            arrival.close()
            raise

    def _begin(self, arrival: Arrival, client_address: Any, request: A_ASSOCIATE_RQ, slot: Slot) -> None:
        """Start an association that has its request already.

        client_address is Any as in socketserver.
        """
        connection = arrival.connection
        connection.settimeout(self.idle_s)  # a peer may stop in the middle of a PDU
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association = _Handler(connection, client_address, self).association
        evt.trigger(association, evt.EVT_CONN_OPEN, {"address": client_address})
        association.dul._recv_pdu.put(request)
        association.dul.event_queue.put(_REQUEST_RECEIVED)
        self.admitting.begun(association, slot)
        association.start()


def _decoded(request: bytes) -> A_ASSOCIATE_RQ | None:
    """Return a request that has all that an association needs, else None."""
    pdu = A_ASSOCIATE_RQ()
    try:
        pdu.decode(request)
        pdu.to_primitive()
    except Exception:  # pynetdicom raises anything
        return None
    return pdu


class _Handler(RequestHandler):
    """Maker of an association that does not run yet."""

    association: Association

    def handle(self) -> None:
        """Make it."""
        self.association = self._create_association()


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
