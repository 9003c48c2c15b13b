"""Comparison of a connection's address, also of IPv4 mapped into IPv6, with the networks of the configuration."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAPPED_BITS = 96
"""Length of the prefix ::ffff:0:0/96 of IPv4 addresses that are mapped into IPv6."""


def address_of(text: str) -> Address:
    """Return an address without its zone; an IPv4 address that is mapped into IPv6 as IPv4.

    Raises:
        ValueError: the text is no address.

    Example:
        >>> address_of("::ffff:10.1.2.3"), address_of("fe80::1%eth0")
        (IPv4Address('10.1.2.3'), IPv6Address('fe80::1'))
    """
    found = ipaddress.ip_address(text.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def networks_of(places: Iterable[str]) -> tuple[Network, ...]:
    """Return addresses and networks as networks without zones, each once, in order; IPv4 mapped into IPv6 as IPv4.

    Raises:
        ValueError: one is neither an address nor a network.

    Example:
        >>> networks_of(["10.1.0.0/16", "10.2.0.7", "10.2.0.7", "::ffff:10.3.0.0/112"])
        (IPv4Network('10.1.0.0/16'), IPv4Network('10.2.0.7/32'), IPv4Network('10.3.0.0/16'))
        >>> networks_of(["fe80::%eth0/10"])
        (IPv6Network('fe80::/10'),)
    """
    return tuple({_plain(ipaddress.ip_network(place)): None for place in places})


def _plain(network: Network) -> Network:
    """Return a network without its zone; an IPv4 network that is mapped into IPv6 as IPv4."""
    if isinstance(network, ipaddress.IPv4Network):
        return network
    mapped = network.network_address.ipv4_mapped
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return ipaddress.IPv6Network((int(network.network_address), network.prefixlen))
    return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Return True if an address is in one of these networks.

    Example:
        >>> is_in("::ffff:10.1.2.3", networks_of(["10.1.0.0/16"]))
        True
    """
    here = address_of(address)
    return any(here in network for network in networks)


def checked_networks(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses and networks of the configuration as they are. Raises ValueError with a sentence.

    Example:
        >>> checked_networks(("10.1.0.0/16", "10.2.0.7"))
        ('10.1.0.0/16', '10.2.0.7')
    """
    for address in given:
        try:
            networks_of((address,))
        except ValueError as error:
            raise ValueError(
                f"{address} is neither an IP address nor a network such as 10.1.0.0/16 ({error})"
            ) from error
    return given
