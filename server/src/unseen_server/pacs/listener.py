"""DICOM SCP of the node: C-ECHO, C-STORE and storage commitment.

C-STORE is answered with success only after the object is durable in the worklist. Bytes are stored as received.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ABORT_RQ, A_RELEASE_RQ, P_DATA_TF

from unseen_server.pacs import transport
from unseen_server.pacs.association_admission import AssociationAdmission
from unseen_server.pacs.config import PacsConfig, PacsConfigError, Peer
from unseen_server.pacs.intake import Discarded, Intake
from unseen_server.pacs.listening_errors import cannot_listen
from unseen_server.pacs.offered_classes import offered
from unseen_server.pacs.reactor_pause import make_pausable

_log = logging.getLogger("unseen")

_GRACE_S: Final = 5.0
"""Longest time that a stop waits for objects that are being written."""
_COMMAND_BYTES: Final = 1 << 16
_PDV_ROOM: Final = 64
_QUEUED: Final = 2
_STATES_S: Final = 1.0
_LOOK_S: Final = 0.05
_COUNTED_HERE: Final = 10_000
"""Limit of pynetdicom, which also counts associations that it has not accepted: `AssociationAdmission` counts them."""


class Committing(Protocol):
    """Interface of storage commitment that the listener calls; see `commitment.Commitments`."""

    def asked(self, event: evt.Event, peer: Peer) -> tuple[int, None]:
        """Answer a peer's N-ACTION request to commit its objects."""

    def reported(self, event: evt.Event, peer: Peer) -> tuple[int, None]:
        """Process a peer's N-EVENT-REPORT on our objects that it committed."""

    def received(self, event: evt.Event) -> None:
        """Record that a PDU of a peer was received."""


class Listener:
    """Listener for associations, from `start` to `stop`, on `port` and `tls_port`."""

    def __init__(self, config: PacsConfig, intake: Intake, committing: Committing) -> None:
        self._config, self._intake, self._committing = config, intake, committing
        self._admission = AssociationAdmission(config)
        self._servers: list[transport.Server] = []
        self._busy = 0
        self._idle = threading.Condition()

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
        return bool(self._servers) and not self._admission.is_stopping

    @property
    def associations(self) -> int:
        """Number of associations that were admitted and have not ended."""
        return self._admission.associations

    @property
    def unidentified(self) -> int:
        """Number of connections that have not sent a whole request."""
        return sum(server.unidentified for server in self._servers)

    def start(self) -> None:
        """Start to listen.

        Raises:
            PacsConfigError: a port is taken, or a certificate cannot be used.
        """
        limits = self._config.limits
        ae = AE(self._config.ae_title)
        ae.maximum_associations = _COUNTED_HERE
        ae.maximum_pdu_size = limits.pdu_bytes
        ae.network_timeout = limits.idle_s
        ae.dimse_timeout = limits.idle_s
        ae.supported_contexts = offered()
        self._admission.start()
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
            raise PacsConfigError(cannot_listen(error, self._config.host, port)) from error
        assert isinstance(server, transport.Server)
        server.secure = context
        server.idle_s = self._config.limits.idle_s
        server.most_request_bytes = self._config.limits.pdu_bytes + _COMMAND_BYTES
        server.admitting = self._admission
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.1,), name=f"pacs-{port}", daemon=True).start()

    def stop(self) -> None:
        """Stop: reject new associations, finish and answer objects that are being written, then abort the rest."""
        self._admission.reject_all()
        associations = [found for server in self._servers for found in server.active_associations]
        for server in self._servers:
            server.shutdown()
        self._admission.stop()
        until = time.monotonic() + _GRACE_S
        with self._idle:
            while (self._busy or self._owes_answers()) and time.monotonic() < until:
                self._idle.wait(_LOOK_S)  # polled: no event reports a peer that left before its answer
        associations += [found for server in self._servers for found in server.active_associations]
        enders = [threading.Thread(target=_end, args=(found,)) for found in dict.fromkeys(associations)]
        for thread in enders:
            thread.start()
        for thread in enders:
            thread.join()

    # events -----------------------------------------------------------------------------------------------------------

    def _handlers(self) -> list[tuple[evt.EventType, Callable[[evt.Event], object]]]:
        return [
            (evt.EVT_CONN_OPEN, self._connected),
            (evt.EVT_REQUESTED, self._admission.requested),
            (evt.EVT_PDU_RECV, self._received),
            (evt.EVT_PDU_RECV, self._committing.received),
            (evt.EVT_C_ECHO, lambda event: 0x0000),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_N_ACTION, lambda event: self._committing.asked(event, self._admission.opened(event.assoc).peer)),
            (
                evt.EVT_N_EVENT_REPORT,
                lambda event: self._committing.reported(event, self._admission.opened(event.assoc).peer),
            ),
            (evt.EVT_PDU_SENT, self._sent),
            (evt.EVT_RELEASED, self._released),
            (evt.EVT_CONN_CLOSE, self._ended),
        ]

    def _connected(self, event: evt.Event) -> None:
        make_pausable(event.assoc)
        # peers know pdu_bytes; the margin is for association requests, which may be longer than a small pdu_bytes
        if (connection := event.assoc.dul.socket) is not None:
            transport.bounded(connection, most_bytes=self._config.limits.pdu_bytes + _COMMAND_BYTES)

    def _received(self, event: evt.Event) -> None:
        """Discard an object above the limit, and abort a peer with too many open requests, before a PDU is decoded."""
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
        """Mark an association as ended, so that its place is free before its threads end."""
        if (opened := self._admission.find(event.assoc)) is not None:
            opened.ended = True

    def _store(self, event: evt.Event) -> Dataset:
        opened = self._admission.opened(event.assoc)
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
        opened = self._admission.find(event.assoc)
        if opened is not None and opened.unanswered and isinstance(event.pdu, P_DATA_TF):
            with self._idle:
                opened.unanswered -= 1
                self._idle.notify_all()

    def _owes_answers(self) -> bool:
        """Return True if a connected peer has sent an object and has no answer yet."""
        return any(found.is_established and opened.unanswered for found, opened in self._admission.all())

    def _released(self, event: evt.Event) -> None:
        """Close the studies of a released association if the peer has `closes = "association"`.

        An aborted association closes no study.
        """
        opened = self._admission.find(event.assoc)
        if opened is not None and opened.peer.closes == "association":
            self._intake.close_studies(sorted(opened.studies), opened.peer)


def _end(association: Association) -> None:
    """Abort an association and wait for the end of its threads, whatever the peer does."""
    if association.is_established:
        association.abort(block=False)
        until = time.monotonic() + _STATES_S
        while not association.dul.to_provider_queue.empty() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.02)  # the last of the queue is being written
    if (connection := association.dul.socket) is not None:
        connection.close()  # wakes the thread that reads from it
    association.dul.to_user_queue.put(None)  # wakes the thread that waits for a request
    association._kill = True
    association._reactor_checkpoint.set()
    association.dul.kill_dul()
    if association._dul_ready.wait(_STATES_S):  # both threads have started; one that has not cannot be joined
        association.dul.join(_STATES_S)
        association.join(_STATES_S)
