"""An association with a peer, as its requestor: opened, used in a `with` block, and released or aborted after it.

Every way in which a peer cannot be reached is a sentence: `NotReachedError`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from unseen.artifacts import UserError, reason_of
from unseen_server.pacs import transport
from unseen_server.pacs.answering import Answering
from unseen_server.pacs.config import PacsConfig, Peer

Handler = tuple[Any, Callable[..., Any]]  # Any: what a handler of an event returns differs by event

_CONNECT_S: Final = 10.0
_RELEASE_S: Final = 5.0
_REJECTED: Final[dict[tuple[int | None, int | None], str]] = {
    (1, 1): "gave no reason",
    (1, 2): "does not support the application context",
    (1, 3): "does not know the calling AE title {ours}. Add it to the list of that peer",
    (1, 7): "is not called {theirs}. Correct ae_title of this peer in pacs.toml",
    (2, 1): "gave no reason",
    (2, 2): "does not support this version of the protocol",
    (3, 1): "is busy. Try again later",
    (3, 2): "has too many associations. Try again later",
}
"""Source and diagnostic of A-ASSOCIATE-RJ (PS3.8, 9.3.4)."""


class NotReachedError(UserError, ConnectionError):
    """There is no association with the peer, or it ended before the answer came."""


@contextmanager
def association(
    config: PacsConfig,
    peer: Peer,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[Handler] = (),
) -> Iterator[Association]:
    """Establish an association with `peer` for the block.

    Args:
        contexts: what is proposed; the caller looks at `accepted_contexts`.
        roles: where this side is not the SCU.
        handlers: of what the peer sends on this association: (event, function).

    Raises NotReachedError. Inside the block the caller raises it where an answer does not come.
    """
    if not peer.called or peer.port is None or peer.ae_title is None:
        raise NotReachedError(
            f'"{peer.name}" cannot be called by DICOM: its ae_title, host or port is missing in pacs.toml'
        )
    ae = AE(config.ae_title)
    ae.connection_timeout = min(_CONNECT_S, peer.timeout_s)
    ae.acse_timeout = ae.dimse_timeout = peer.timeout_s
    ae.network_timeout = None  # the caller's answers have a time of their own
    ae.maximum_pdu_size = config.limits.pdu_bytes
    connected: list[Answering] = []

    def opened(event: evt.Event) -> None:
        connected.append(Answering(event.assoc))
        connection = event.assoc.dul.socket
        if connection is not None and connection.socket is not None:
            connection.socket.settimeout(peer.timeout_s)  # a peer may stop in the middle of a PDU

    found = None
    try:
        found = ae.associate(
            peer.host,
            peer.port,
            contexts=list(contexts),
            ae_title=peer.ae_title,
            ext_neg=list(roles) or None,
            evt_handlers=[(evt.EVT_CONN_OPEN, opened), *handlers],
            tls_args=(transport.client_context(config), peer.host) if peer.tls else None,
        )
    except OSError as error:  # the host's name is not known
        raise NotReachedError(
            f"{_place(peer)} cannot be reached ({reason_of(error)}). Check host in pacs.toml"
        ) from error
    if not found.is_established:
        raise NotReachedError(_why(config, peer, found, connected=bool(connected)))
    try:
        yield found
    finally:
        if found.is_established:
            _release(found, connected[0])


def _release(found: Association, answering: Answering) -> None:
    """Answer the peer's requests in hand, then release the association; close it where either takes `_RELEASE_S`.

    A peer that has just sent a request of its own may wait for our answer to it, and see no release meanwhile:
    pynetdicom would wait for it as long as for any answer, `timeout_s`.
    """
    answered = answering.wait(_RELEASE_S)
    releasing = threading.Thread(target=found.release, name="pacs-release", daemon=True)
    if answered:
        releasing.start()
        releasing.join(_RELEASE_S)
    if (not answered or releasing.is_alive()) and (connection := found.dul.socket) is not None:
        connection.close()


def no_answer(peer: Peer, what: str) -> NotReachedError:
    """Return the error of a peer that did not answer a request, or ended the association instead."""
    return NotReachedError(
        f"{_place(peer)} did not answer {what} within {peer.timeout_s:g} s, or ended the association. "
        "Try again; raise timeout_s of this peer in pacs.toml if it is slow"
    )


def _place(peer: Peer) -> str:
    return f"{peer.ae_title} at {peer.host}:{peer.port}"


def _why(config: PacsConfig, peer: Peer, found: Association, *, connected: bool) -> str:
    if found.is_rejected and (answer := found.acceptor.primitive) is not None:
        why = _REJECTED.get((answer.result_source, answer.diagnostic), "gave an unknown reason")
        return f"{_place(peer)} rejected the association: it " + why.format(ours=config.ae_title, theirs=peer.ae_title)
    if not connected:
        encrypted = ", or the handshake of TLS failed" if peer.tls else ""
        return f"{_place(peer)} cannot be reached: no connection{encrypted}. Check host and port, and that it runs"
    if found.rejected_contexts and not found.accepted_contexts:
        return f"{_place(peer)} accepts none of the SOP classes that were proposed to it"
    return (
        f"{_place(peer)} ended the connection instead of accepting the association, or kept silent for "
        f"{peer.timeout_s:g} s. Check that this port speaks DICOM{'' if peer.tls else ' without TLS'}"
    )
