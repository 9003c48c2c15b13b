"""Second check of a connection: the peer that has both its AE title and its address."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable

from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.service.ip_networks import is_in, networks_of

Resolve = Callable[[str], Iterable[str]]


def addresses_of(host: str) -> list[str]:
    """Return the addresses of a host; none where its name is not known."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return []


def peer_of(
    config: PacsConfig, *, ae_title: str, address: str, secure: bool, resolve: Resolve = addresses_of
) -> Peer | str:
    """Return the peer that connects with this AE title from this address, or why there is none.

    Args:
        secure: whether it connects by TLS; a peer with `tls = true` must.
        resolve: a host's addresses, for peers that the configuration gives none.

    >>> config = PacsConfig.model_validate({"peers": [{"name": "ct", "ae_title": "CT", "addresses": ["10.1.0.0/16"]}]})
    >>> peer_of(config, ae_title="CT", address="10.1.2.3", secure=False).name
    'ct'
    >>> peer_of(config, ae_title="CT", address="10.2.2.3", secure=False)
    'CT may not connect from 10.2.2.3. Add this address to the addresses of its peer in pacs.toml.'
    """
    called_so = [peer for peer in config.peers if peer.ae_title == ae_title]
    if not called_so:
        return f"{ae_title} is no peer of this node. Add a [[peers]] with this ae_title to pacs.toml."
    here = [peer for peer in called_so if is_in(address, networks_of(peer.addresses or resolve(peer.host)))]
    if not here:
        return f"{ae_title} may not connect from {address}. Add this address to the addresses of its peer in pacs.toml."
    allowed = [peer for peer in here if secure or not peer.tls]
    if not allowed:
        return f"{ae_title} must connect by TLS, to the port of [tls]. Or set tls = false for its peer in pacs.toml."
    return allowed[0]
