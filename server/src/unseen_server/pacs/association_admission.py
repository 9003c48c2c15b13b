"""Admission of associations: which peers may associate with the node, and how many at once; others are rejected.

`known_peers` finds the peer of a request, `transport` reads the request and sends the rejection.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from pynetdicom import evt
from pynetdicom.association import Association

from unseen_server.pacs import transport
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.known_peers import peer_of
from unseen_server.pacs.peer_addresses import PeerAddresses
from unseen_server.pacs.request_reading import Rejection

_log = logging.getLogger("unseen")

_RUNNING: Final = 2
"""Threads of associations, as a multiple of the limit: those that have ended may still finish an object."""


@dataclass(kw_only=True, eq=False)
class OpenAssociation:
    """An association that was admitted: its peer, the studies of which it brought objects, and how many of its objects
    are taken in and not answered yet. `association` is None until it begins. `ended` is True as soon as the peer has
    asked for the end, or its connection has ended; threads may still run then."""

    peer: Peer
    association: Association | None = None
    ended: bool = False
    studies: set[str] = field(default_factory=set)
    unanswered: int = 0


class AssociationAdmission:
    """Admission to one node, as `transport.Admitting` describes it, and the associations that were admitted."""

    def __init__(self, config: PacsConfig) -> None:
        self._config = config
        self._addresses = PeerAddresses(config)
        self._open: WeakKeyDictionary[Association, OpenAssociation] = WeakKeyDictionary()
        self._slots: set[OpenAssociation] = set()
        self._slots_lock = threading.Lock()
        self.is_stopping = False

    def start(self) -> None:
        """Begin to look up the addresses of the peers."""
        self._addresses.start()

    def reject_all(self) -> None:
        """Reject every request from now on."""
        self.is_stopping = True

    def stop(self) -> None:
        """Look up no more addresses."""
        self._addresses.stop()

    @property
    def associations(self) -> int:
        """Number of associations that were admitted and have not ended."""
        with self._slots_lock:
            return self._counted()[0]

    def find(self, association: Association) -> OpenAssociation | None:
        """Return what is known of an association; None where it was not admitted here."""
        return self._open.get(association)

    def opened(self, association: Association) -> OpenAssociation:
        """Return what is known of an association that was admitted here."""
        return self._open[association]

    def all(self) -> list[tuple[Association, OpenAssociation]]:
        """Return the associations that were admitted and are still referred to."""
        return list(self._open.items())

    def knows(self, address: str) -> bool:
        """Return whether any peer may connect from this address."""
        return self._addresses.knows(address)

    def identified(self, *, calling: str, called: str, address: str, secure: bool) -> Peer | Rejection:
        """Return the peer that asks for an association, or a rejection: of unknown peers, and of calls to another
        title."""
        if self.is_stopping:
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

    def admitted(self, peer: Peer) -> OpenAssociation | Rejection:
        """Return a place for an association, or the rejection of a peer above the limit."""
        most = self._config.limits.associations
        with self._slots_lock:
            open_now, running = self._counted()
            if open_now < most and running < _RUNNING * most:
                slot = OpenAssociation(peer=peer)
                self._slots.add(slot)
                return slot
        _log.warning("pacs.rejected peer=%s why=%d associations are open", peer.name, most)
        return Rejection(2, 3, 2)

    def begun(self, association: Association, slot: transport.Slot) -> None:
        """Take note of the association that a place is for."""
        assert isinstance(slot, OpenAssociation)
        slot.association = association
        self._open[association] = slot

    def left(self, slot: transport.Slot) -> None:
        """Free a place whose association has not begun."""
        assert isinstance(slot, OpenAssociation)
        with self._slots_lock:
            self._slots.discard(slot)

    def requested(self, event: evt.Event) -> None:
        """Reject who came while the node began to stop."""
        if self.is_stopping:
            _reject(event.assoc, (2, 3, 1))

    def _counted(self) -> tuple[int, int]:
        """Return the number of associations that are open, and of those whose threads run; under the lock."""
        self._slots = {slot for slot in self._slots if _runs(slot)}
        return sum(not slot.ended for slot in self._slots), len(self._slots)


def _runs(slot: OpenAssociation) -> bool:
    association = slot.association
    return association is None or association.ident is None or association.is_alive()


def _reject(association: Association, reason: tuple[int, int, int]) -> None:
    association.acse.send_reject(*reason)
    association.kill()
