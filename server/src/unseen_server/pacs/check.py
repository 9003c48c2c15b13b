"""Peer by peer, what works: the connection, the association, each service that the configuration relies on, DICOMweb.

And whether something listens where this node would. Nothing is stored at a peer, and no patient is asked for. With a
worklist: accounts whose tokens could be narrowed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom import uid
from pydicom.uid import UID
from pynetdicom.presentation import build_context

from unseen_server.pacs import calling, transport
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.fetching import GET, MOVE
from unseen_server.pacs.known_peers import addresses_of
from unseen_server.pacs.offered_classes import COMMITMENT, UNCOMPRESSED, VERIFICATION
from unseen_server.pacs.peer_addresses import EVERY_S, is_address, open_networks
from unseen_server.pacs.peer_search import FIND, dicomweb, web_failure
from unseen_server.pacs.request_reading import IDENTIFY_S, WAITING, WAITING_EACH

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store

RESULT_CLASSES: Final = {
    "sr": uid.ComprehensiveSRStorage,
    "capture": uid.SecondaryCaptureImageStorage,
    "overlay": uid.GrayscaleSoftcopyPresentationStateStorage,
}
"""Objects that are stored at a peer, for each word of `send`."""
_LISTENS_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class PeerCheck:
    """One thing that was tried with a peer.

    Args:
        works: whether it does.
        needed: whether the configuration relies on it: it is then a mistake where it does not.
    """

    peer: str
    what: str
    works: bool
    sentence: str
    needed: bool = True


def listening(config: PacsConfig) -> Iterator[PeerCheck]:
    """Yield a check of each port of the node: does a program listen?

    None of them is needed, as the check may be run before the node starts.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    for port, secure in ((config.port, ""), (0 if config.tls is None else config.tls.port, " with TLS")):
        if port == 0:  # any that is free
            continue
        try:
            socket.create_connection((host, port), timeout=_LISTENS_S).close()
            works, sentence = True, f"a program listens on port {port}{secure}"
        except OSError as error:
            works = False
            sentence = f"{host}:{port}{secure}: {error.strerror or error}. Start `unseen pacs`, unless it is to be off"
        yield PeerCheck(peer=config.ae_title, what="listens", works=works, sentence=sentence, needed=False)


def narrowable_accounts(config: PacsConfig, store: Store) -> Iterator[PeerCheck]:
    """Name the accounts of the worklist whose tokens can do more than they were ever used for."""
    found = store.accounts.narrowable()
    for one in found:
        sources = ", ".join(one.sources) or "no source"
        tokens = f"{one.tokens} open {'token' if one.tokens == 1 else 'tokens'}"
        sentence = (
            f"has the role {one.role} and {tokens}, and only ever sent films ({one.sent}, as {sources}). Give it the "
            "role sender with these sources, on the page Administration"
        )
        yield PeerCheck(peer=config.ae_title, what=f"account {one.name}", works=False, sentence=sentence, needed=False)
    if not found:
        sentence = "every account that only sends films is a sender"
        yield PeerCheck(peer=config.ae_title, what="accounts", works=True, sentence=sentence, needed=False)


def check(config: PacsConfig, peer: Peer) -> Iterator[PeerCheck]:
    """Try everything with one peer; stops where nothing further can work."""
    yield _may_connect(peer)
    yield from _open_addresses(peer)
    if peer.called:
        yield from _dimse(config, peer)
    if peer.dicomweb:
        yield _web(config, peer)


def _may_connect(peer: Peer) -> PeerCheck:
    def finding(works: bool, sentence: str) -> PeerCheck:
        return PeerCheck(peer=peer.name, what="may connect", works=works, sentence=sentence)

    if peer.ae_title is None:
        return finding(True, "it has no ae_title here, and may not send to this node")
    places = peer.addresses or tuple(addresses_of(peer.host))
    if not places:
        return finding(False, f"the name {peer.host} has no address here. Correct host, or give addresses")
    encrypted = ", by TLS only" if peer.tls else ""
    return finding(True, f"as {peer.ae_title} from {', '.join(places)}{encrypted}")


def _open_addresses(peer: Peer) -> Iterator[PeerCheck]:
    """Yield the cost of each place of a peer that is not a fixed address."""

    def finding(sentence: str) -> PeerCheck:
        return PeerCheck(peer=peer.name, what="fixed address", works=False, sentence=sentence, needed=False)

    cost = f"may each hold {WAITING_EACH} of the {WAITING} places for connections without a request"
    cure = "List the fixed addresses of the peer where it has some"
    for network in open_networks(peer):
        yield finding(f"{network} has {network.num_addresses:,} addresses, which {cost}, {IDENTIFY_S:g} s each. {cure}")
    if peer.ae_title is not None and not peer.addresses and not is_address(peer.host):
        yield finding(
            f"{peer.host} is a name, which is resolved every {EVERY_S:g} s: whoever answers for it decides who may "
            "connect, and a new address is unknown until then. Give addresses"
        )


def _dimse(config: PacsConfig, peer: Peer) -> Iterator[PeerCheck]:
    def finding(what: str, works: bool, sentence: str, needed: bool = True) -> PeerCheck:
        return PeerCheck(peer=peer.name, what=what, works=works, sentence=sentence, needed=needed)

    if reason := _unreachable(config, peer):
        yield finding("reachable", False, reason)
        return
    yield finding("reachable", True, f"{peer.host}:{peer.port}{' by TLS' if peer.tls else ''}")
    kinds = {word: RESULT_CLASSES[word] for word in peer.send}
    contexts = [build_context(kind, list(UNCOMPRESSED)) for kind in (VERIFICATION, COMMITMENT, FIND, MOVE, GET)]
    contexts += [build_context(kind, list(UNCOMPRESSED)) for kind in kinds.values()]
    try:
        with calling.association(config, peer, contexts) as association:
            accepted = {UID(context.abstract_syntax or "") for context in association.accepted_contexts}
            echoed = VERIFICATION in accepted and "Status" in association.send_c_echo()
    except NotReachedError as error:
        yield finding("association", False, str(error))
        return
    yield finding("association", True, f"it takes {config.ae_title} as calling AE title")
    yield finding("C-ECHO", echoed, "answered" if echoed else "not offered, or not answered", needed=False)
    for word, kind in kinds.items():
        works = kind in accepted
        yield finding(f'send "{word}"', works, f"it {'takes' if works else 'does not take'} {kind.name}")
    relies = peer.confirm or (peer.confirms_by if peer.send else None)
    services = (
        ("storage commitment", COMMITMENT, relies == "commitment"),
        ("C-FIND", FIND, relies == "find"),
        ("C-MOVE", MOVE, False),
        ("C-GET", GET, False),
    )
    for what, kind, needed in services:
        works = kind in accepted
        cure = '. Set confirm = "find" or "qido" for it' if needed and kind == COMMITMENT and not works else ""
        yield finding(what, works, f"{'offered' if works else 'not offered'}{cure}", needed=needed)


def _unreachable(config: PacsConfig, peer: Peer) -> str:
    """Return the reason why no connection can be made; "" if one can."""
    place = f"{peer.host}:{peer.port}"
    try:
        with socket.create_connection((peer.host, peer.port or 0), timeout=min(10.0, peer.timeout_s)) as plain:
            if peer.tls:
                with transport.client_context(config).wrap_socket(plain, server_hostname=peer.host):
                    pass
    except ssl.SSLCertVerificationError as error:
        return f"{place}: its certificate is not accepted ({error.verify_message}). Compare it with ca of [tls]"
    except ssl.SSLError as error:
        return f"{place}: the handshake of TLS failed ({error.reason}). Check that this port speaks TLS"
    except socket.gaierror:
        return f"the name {peer.host} has no address here. Correct host"
    except TimeoutError:
        return f"{place} does not answer. Check host, port and firewall"
    except OSError as error:
        return f"{place}: {error.strerror}. Check host and port, and that it runs"
    return ""


def _web(config: PacsConfig, peer: Peer) -> PeerCheck:
    try:
        dicomweb(config, peer).search_for_studies(limit=1, fields=["StudyInstanceUID"])
    except OSError as error:  # what requests raises is one
        return PeerCheck(
            peer=peer.name, what="DICOMweb", works=False, sentence=str(web_failure(peer, error, "a query"))
        )
    except ValueError:
        sentence = f"{peer.dicomweb} answered with something else than DICOM JSON. Correct dicomweb"
        return PeerCheck(peer=peer.name, what="DICOMweb", works=False, sentence=sentence)
    return PeerCheck(peer=peer.name, what="DICOMweb", works=True, sentence=f"{peer.dicomweb} answers queries")
