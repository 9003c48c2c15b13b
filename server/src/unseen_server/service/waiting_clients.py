"""Register of clients that are connected and not identified yet.

Its size is bounded. A new client is always admitted: where the register is full, the client that has waited longest
leaves it, among those of the address that has the most. A client that sends its request at once is thus never kept out
by clients that are slow.
"""

from __future__ import annotations

from collections.abc import Hashable
from ipaddress import IPv4Address, IPv6Network
from threading import Lock
from typing import Generic, TypeVar

from unseen_server.service.ip_networks import address_of

Client = TypeVar("Client", bound=Hashable)


class WaitingClients(Generic[Client]):
    """Clients that wait, by address, in the order of their arrival.

    Args:
        most: Clients that may wait at the same time.
        most_each: Clients of one address that may wait at the same time.

    Example:
        >>> waiting = WaitingClients(most=3, most_each=2)
        >>> [waiting.enter(name, address) for name, address in (("a", "10.0.0.1"), ("b", "10.0.0.2"))]
        [None, None]
        >>> waiting.enter("c", "10.0.0.1"), waiting.enter("d", "10.0.0.1"), waiting.enter("e", "10.0.0.3")
        (None, 'a', 'c')
        >>> waiting.leave("a"), waiting.leave("b"), len(waiting)
        (False, True, 2)
    """

    def __init__(self, *, most: int, most_each: int) -> None:
        self.most, self.most_each = most, most_each
        self._lock = Lock()
        self._place_of: dict[Client, str] = {}  # in the order of arrival
        self._count: dict[str, int] = {}

    def enter(self, client: Client, address: str) -> Client | None:
        """Admit a client and return the client that must be closed for it, or None."""
        place = address_group(address)
        with self._lock:
            self._place_of[client] = place
            self._count[place] = self._count.get(place, 0) + 1
            if self._count[place] > self.most_each:
                busiest = place
            elif len(self._place_of) > self.most:
                most = max(self._count.values())
                busiest = next(found for found in self._place_of.values() if self._count[found] == most)
            else:
                return None
            oldest = next(one for one, found in self._place_of.items() if found == busiest)
            self._remove(oldest)
            return oldest

    def leave(self, client: Client) -> bool:
        """Remove a client; return False if it had to leave before."""
        with self._lock:
            return self._remove(client)

    def all(self) -> list[Client]:
        """Return the clients that wait, the oldest first."""
        with self._lock:
            return list(self._place_of)

    def __len__(self) -> int:
        return len(self._place_of)

    def _remove(self, client: Client) -> bool:
        place = self._place_of.pop(client, None)
        if place is None:
            return False
        self._count[place] -= 1
        if not self._count[place]:
            del self._count[place]
        return True


def address_group(address: str) -> str:
    """Return the addresses that count as one client's: an IPv4 address, or the /64 network of an IPv6 address.

    A network gives each of its machines 2**64 addresses of IPv6 (RFC 4291, section 2.5.4).

    Example:
        >>> address_group("10.1.2.3"), address_group("::ffff:10.1.2.3"), address_group("2001:db8::1:2:3:4")
        ('10.1.2.3', '10.1.2.3', '2001:db8::/64')
        >>> address_group("a name")
        'a name'
    """
    try:
        found = address_of(address)
    except ValueError:
        return address
    return str(found if isinstance(found, IPv4Address) else IPv6Network((found, 64), strict=False))
