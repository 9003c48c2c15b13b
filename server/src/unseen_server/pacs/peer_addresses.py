"""First check of a connection, before its AE title is known: by its address alone.

The address of each new connection is compared with them, without a look-up of names. A thread resolves the names of
hosts in advance, and again after `EVERY_S`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final

from unseen_server.pacs.config import PacsConfig, Peer
from unseen_server.pacs.known_peers import addresses_of
from unseen_server.service.ip_networks import Network, address_of, is_in, networks_of

EVERY_S: Final = 30.0
"""Longest time until a changed address of a host is known."""
_FIRST_S: Final = 5.0
"""Longest wait of a start for the first addresses; later ones are used when they arrive."""


class PeerAddresses:
    """Networks and addresses of all peers that may connect; `start` resolves the names of hosts.

    Args:
        config: configuration of the node.
        resolve: function from a host's name to its addresses.

    Example:
        >>> config = PacsConfig.model_validate(
        ...     {"peers": [{"name": "ct", "ae_title": "CT", "host": "10.1.0.7"},
        ...                {"name": "web", "dicomweb": "http://10.1.0.9/"}]}
        ... )
        >>> known = PeerAddresses(config)
        >>> known.knows("10.1.0.7"), known.knows("::ffff:10.1.0.7"), known.knows("10.1.0.9")
        (True, True, False)
    """

    def __init__(self, config: PacsConfig, *, resolve: Callable[[str], Iterable[str]] = addresses_of) -> None:
        self._resolve = resolve
        self._peers = [peer for peer in config.peers if peer.ae_title is not None]
        self._found: dict[str, tuple[str, ...]] = {}
        self._names = sorted({peer.host for peer in self._peers if not peer.addresses})
        for host in list(self._names):
            if is_address(host):
                self._found[host] = (host,)
                self._names.remove(host)
        self._networks = self._all()
        self._stopping, self._first = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Resolve the names of hosts from now on; return after the first answers, or after 5 s."""
        if self._names:
            self._thread = threading.Thread(target=self._run, name="pacs-addresses", daemon=True)
            self._thread.start()
            self._first.wait(_FIRST_S)

    def stop(self) -> None:
        """End the thread after the name that it resolves now. Do not wait for a slow name server."""
        self._stopping.set()
        self._first.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def knows(self, address: str) -> bool:
        """Return True if any peer may connect from this address."""
        return is_in(address, self._networks)

    def of(self, host: str) -> tuple[str, ...]:
        """Return the latest addresses of a peer's host."""
        return self._found.get(host, ())

    def _run(self) -> None:
        while not self._stopping.is_set():
            for host in self._names:
                if found := tuple(self._resolve(host)):  # an unreachable name server changes nothing
                    self._found[host] = found
                self._networks = self._all()
                if self._stopping.is_set():
                    return
            self._first.set()
            self._stopping.wait(EVERY_S)

    def _all(self) -> tuple[Network, ...]:
        places = [place for peer in self._peers for place in peer.addresses or self._found.get(peer.host, ())]
        return networks_of(places)


def is_address(host: str) -> bool:
    """Return True if a host is given by its address, not by a name."""
    try:
        address_of(host)
    except ValueError:
        return False
    return True


def open_networks(peer: Peer) -> list[Network]:
    """Return the networks of more than one address from which a peer may connect.

    Example:
        >>> peer = Peer(name="ct", ae_title="CT", addresses=("10.1.0.0/16", "10.2.0.7", "10.3.0.1/32"))
        >>> open_networks(peer)
        [IPv4Network('10.1.0.0/16')]
    """
    return [network for network in networks_of(peer.addresses) if network.num_addresses > 1]
