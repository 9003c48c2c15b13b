"""The node's ear: peers associate, echo, store, and speak of storage commitment.

C-STORE is answered with success only after the object is durable in the worklist. Bytes are written as they came.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ABORT_RQ, A_RELEASE_RQ, P_DATA_TF

from unseen_server.pacs import transport
from unseen_server.pacs.admission import Rejection
from unseen_server.pacs.association_rules import offered, peer_of
from unseen_server.pacs.config import PacsConfig, PacsConfigError, Peer
from unseen_server.pacs.intake import Discarded, Intake
from unseen_server.pacs.peer_addresses import PeerAddresses
from unseen_server.pacs.reactor_pause import make_pausable

_log = logging.getLogger("unseen")

_GRACE_S: Final = 5.0
"""How long a stop waits for objects that are being written."""
_COMMAND_BYTES: Final = 1 << 16
_PDV_ROOM: Final = 64
_QUEUED: Final = 2
_STATES_S: Final = 1.0
_LOOK_S: Final = 0.05
_RUNNING: Final = 2
"""Threads of associations, as a multiple of the limit: those that have ended may still finish an object."""
_COUNTED_HERE: Final = 10_000
"""Limit of pynetdicom, which also counts associations that it has not accepted; `Listener.admitted` counts instead."""


class Committing(Protocol):
    """Storage commitment, as the listener calls it; see `commitment.Commitments`."""

    def asked(self, event: evt.Event, peer: Peer) -> tuple[int, None]:
        """A peer asks by N-ACTION whether we keep its objects."""

    def reported(self, event: evt.Event, peer: Peer) -> tuple[int, None]:
        """A peer reports by N-EVENT-REPORT what it keeps of ours."""

    def received(self, event: evt.Event) -> None:
        """Take note of a PDU that came from a peer."""


@dataclass(kw_only=True, eq=False)
class _Open:
    """An association that was admitted: its peer, the studies of which it brought objects, and how many of its objects
    are taken in and not answered yet. `association` is None until it begins. `ended` is True as soon as the peer has
    asked for the end, or its connection has ended; threads may still run then."""

    peer: Peer
    association: Association | None = None
    ended: bool = False
    studies: set[str] = field(default_factory=set)
    unanswered: int = 0


class Listener:
    """Listens from `start` to `stop`; `port` and `tls_port` are where."""

    def __init__(self, config: PacsConfig, intake: Intake, committing: Committing) -> None:
        self._config, self._intake, self._committing = config, intake, committing
        self._addresses = PeerAddresses(config)
        self._open: WeakKeyDictionary[Association, _Open] = WeakKeyDictionary()
        self._slots: set[_Open] = set()
        self._slots_lock = threading.Lock()
        self._servers: list[transport.Server] = []
        self._busy = 0
        self._idle = threading.Condition()
        self._stopping = False

    @property
    def port(self) -> int:
        """Port without TLS."""
        return self._servers[0].server_address[1]

    @property
    def tls_port(self) -> int | None:
        """Port with TLS; None without a table [tls]."""
        return self._servers[1].server_address[1] if len(self._servers) > 1 else None

    @property
    def listens(self) -> bool:
        """True while it accepts associations."""
        return bool(self._servers) and not self._stopping

    @property
    def associations(self) -> int:
        """Number of associations that were admitted and have not ended."""
        with self._slots_lock:
            return self._counted()[0]

    @property
    def unidentified(self) -> int:
        """Number of connections that have not sent a whole request."""
        return sum(server.unidentified for server in self._servers)

    def start(self) -> None:
        """Listen. Raises PacsConfigError where a port is taken or a certificate cannot be used."""
        limits = self._config.limits
        ae = AE(self._config.ae_title)
        ae.maximum_associations = _COUNTED_HERE
        ae.maximum_pdu_size = limits.pdu_bytes
        ae.network_timeout = limits.idle_s
        ae.dimse_timeout = limits.idle_s
        ae.supported_contexts = offered()
        self._addresses.start()
        try:
            self._serve(ae, self._config.port, secure=False)
            if self._config.tls is not None:
                self._serve(ae, self._config.tls.port, secure=True)
        except BaseException:
            self.stop()
            raise

    def _serve(self, ae: AE, port: int, *, secure: bool) -> None:
        context = transport.server_context(self._config) if secure else None
        try:
            server = ae.make_server(
                (self._config.host, port), evt_handlers=list(self._handlers()), server_class=transport.Server
            )
        except OSError as error:
            raise PacsConfigError(
                f"Port {port} of {self._config.host} cannot be listened on ({error.strerror}). "
                "Stop what listens there, or give another port"
            ) from error
        assert isinstance(server, transport.Server)
        server.secure = context
        server.idle_s = self._config.limits.idle_s
        server.most_request_bytes = self._config.limits.pdu_bytes + _COMMAND_BYTES
        server.admitting = self
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.1,), name=f"pacs-{port}", daemon=True).start()

    def stop(self) -> None:
        """End: no more associations; what is being written is finished and answered; then the rest is aborted."""
        self._stopping = True
        associations = [found for server in self._servers for found in server.active_associations]
        for server in self._servers:
            server.shutdown()
        self._addresses.stop()
        until = time.monotonic() + _GRACE_S
        with self._idle:
            while (self._busy or self._owes_answers()) and time.monotonic() < until:
                self._idle.wait(_LOOK_S)  # nobody says that a peer has gone, whose answer nobody waits for
        associations += [found for server in self._servers for found in server.active_associations]
        enders = [threading.Thread(target=_end, args=(found,)) for found in dict.fromkeys(associations)]
        for thread in enders:
            thread.start()
        for thread in enders:
            thread.join()

    # admission --------------------------------------------------------------------------------------------------------

    def knows(self, address: str) -> bool:
        """Return whether any peer may connect from this address."""
        return self._addresses.knows(address)

    def identified(self, *, calling: str, called: str, address: str, secure: bool) -> Peer | Rejection:
        """Return the peer that asks for an association, or a rejection: of unknown peers, and of calls to another
        title."""
        if self._stopping:
            return Rejection(2, 3, 1)
        config = self._config
        found = peer_of(config, ae_title=calling, address=address, secure=secure, resolve=self._addresses.of)
        if isinstance(found, str):
            _log.warning("pacs.rejected ae=%r address=%s why=%s", calling, address, found)
            return Rejection(1, 1, 3)
        if called != config.ae_title.strip():
            _log.warning("pacs.rejected peer=%s why=it calls %r, not %r", found.name, called, config.ae_title)
            return Rejection(1, 1, 7)
        return found

    def admitted(self, peer: Peer) -> _Open | Rejection:
        """Return a place for an association, or the rejection of a peer above the limit."""
        most = self._config.limits.associations
        with self._slots_lock:
            open_now, running = self._counted()
            if open_now < most and running < _RUNNING * most:
                slot = _Open(peer=peer)
                self._slots.add(slot)
                return slot
        _log.warning("pacs.rejected peer=%s why=%d associations are open", peer.name, most)
        return Rejection(2, 3, 2)

    def begun(self, association: Association, slot: transport.Slot) -> None:
        """Take note of the association that a place is for."""
        assert isinstance(slot, _Open)
        slot.association = association
        self._open[association] = slot

    def left(self, slot: transport.Slot) -> None:
        """Free a place whose association has not begun."""
        assert isinstance(slot, _Open)
        with self._slots_lock:
            self._slots.discard(slot)

    def _counted(self) -> tuple[int, int]:
        """Return the number of associations that are open, and of those whose threads run; under the lock."""
        self._slots = {slot for slot in self._slots if _runs(slot)}
        return sum(not slot.ended for slot in self._slots), len(self._slots)

    # events -----------------------------------------------------------------------------------------------------------

    def _handlers(self) -> list[tuple[evt.EventType, Callable[[evt.Event], object]]]:
        return [
            (evt.EVT_CONN_OPEN, self._connected),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_PDU_RECV, self._received),
            (evt.EVT_PDU_RECV, self._committing.received),
            (evt.EVT_C_ECHO, lambda event: 0x0000),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_N_ACTION, lambda event: self._committing.asked(event, self._open[event.assoc].peer)),
            (evt.EVT_N_EVENT_REPORT, lambda event: self._committing.reported(event, self._open[event.assoc].peer)),
            (evt.EVT_PDU_SENT, self._sent),
            (evt.EVT_RELEASED, self._released),
            (evt.EVT_CONN_CLOSE, self._ended),
        ]

    def _connected(self, event: evt.Event) -> None:
        make_pausable(event.assoc)
        # every peer knows pdu_bytes; only an association request may be longer than the least of it
        if (connection := event.assoc.dul.socket) is not None:
            transport.bounded(connection, most_bytes=self._config.limits.pdu_bytes + _COMMAND_BYTES)

    def _requested(self, event: evt.Event) -> None:
        """Reject who came while the node began to stop."""
        if self._stopping:
            _reject(event.assoc, (2, 3, 1))

    def _received(self, event: evt.Event) -> None:
        """Before a PDU is decoded: keep no object above the limit, and no more requests than one answers."""
        if isinstance(event.pdu, (A_RELEASE_RQ, A_ABORT_RQ)):
            self._ended(event)
        message = event.assoc.dimse.message
        if event.assoc.dimse.msg_queue.qsize() > _QUEUED or (
            message is not None and message.encoded_command_set.tell() > _COMMAND_BYTES
        ):
            _log.warning("pacs.aborted why=requests without waiting for answers, or an endless one")
            event.assoc.abort(block=False)
        elif message is not None and isinstance(message.data_set, io.BytesIO):
            size = message.data_set.tell() + event.pdu.pdu_length
            if size > self._config.limits.object_bytes + _PDV_ROOM:
                message.data_set = Discarded()

    def _ended(self, event: evt.Event) -> None:
        """Free the place of an association at once, before its threads end."""
        if (opened := self._open.get(event.assoc)) is not None:
            opened.ended = True

    def _store(self, event: evt.Event) -> Dataset:
        opened = self._open[event.assoc]
        with self._idle:
            self._busy += 1
        try:
            status, taken = self._intake.answer(event, opened.peer)
            if taken is not None and taken.study and not taken.ours:
                opened.studies.add(taken.study)
            return status
        finally:
            with self._idle:
                self._busy -= 1
                opened.unanswered += 1  # until the answer is on its way: `_sent`
                self._idle.notify_all()

    def _sent(self, event: evt.Event) -> None:
        opened = self._open.get(event.assoc)
        if opened is not None and opened.unanswered and isinstance(event.pdu, P_DATA_TF):
            with self._idle:
                opened.unanswered -= 1
                self._idle.notify_all()

    def _owes_answers(self) -> bool:
        """Return True if a connected peer has sent an object and has no answer yet."""
        return any(found.is_established and opened.unanswered for found, opened in list(self._open.items()))

    def _released(self, event: evt.Event) -> None:
        """An association that is released may close its studies; one that is aborted does not."""
        opened = self._open.get(event.assoc)
        if opened is not None and opened.peer.closes == "association":
            self._intake.close_studies(sorted(opened.studies), opened.peer)


def _runs(slot: _Open) -> bool:
    association = slot.association
    return association is None or association.ident is None or association.is_alive()


def _reject(association: Association, reason: tuple[int, int, int]) -> None:
    association.acse.send_reject(*reason)
    association.kill()


def _end(association: Association) -> None:
    """Abort an association and see its threads end, whatever the peer does."""
    if association.is_established:
        association.abort(block=False)
        until = time.monotonic() + _STATES_S
        while not association.dul.to_provider_queue.empty() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.02)  # the last of the queue is being written
    if (connection := association.dul.socket) is not None:
        connection.close()  # wakes who reads from it
    association.dul.to_user_queue.put(None)  # wakes who waits for a request
    association._kill = True
    association._reactor_checkpoint.set()
    association.dul.kill_dul()
    if association._dul_ready.wait(_STATES_S):  # both threads have started; one that has not cannot be joined
        association.dul.join(_STATES_S)
        association.join(_STATES_S)
