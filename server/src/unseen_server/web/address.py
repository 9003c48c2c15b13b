"""Address of the server: where it listens, and the names by which browsers may call it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from unseen_server.service.ip_networks import checked_networks
from unseen_server.worklist.states import WorklistError

_THIS_MACHINE = ("127.0.0.1", "::1")
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, kw_only=True)
class Address:
    """Addresses of the server: where it listens, and by which name others reach it.

    Args:
        host: an address of this machine; the loopback ones are reached from this machine alone.
        port: 0: any that is free.
        public: such as https://worklist.hospital.example: where a reverse proxy with TLS offers the server to others;
            None without one.
        proxies: the addresses and networks of proxies whose header X-Forwarded-For names the client; none: with
            `public`, those of this machine.

    >>> Address().is_private, Address(public="https://a.example").is_private, Address(host="0.0.0.0").is_private
    (True, False, False)
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public: str | None = None
    proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for proxy in self.proxies:
            try:
                checked_networks((proxy,))
            except ValueError as error:
                raise WorklistError(
                    f"{proxy[:100]}: neither an IP address nor a network such as 10.1.0.0/24. Correct --proxy."
                ) from error
        if self.public is None:
            return
        parts = urlsplit(self.public)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise WorklistError(
                f"{self.public[:200]}: not an address that a proxy with TLS offers. Write it as "
                "https://worklist.hospital.example, without a path."
            )

    @property
    def trusted(self) -> tuple[str, ...]:
        """Proxies whose header X-Forwarded-For names the client.

        >>> Address().trusted, Address(public="https://a.example").trusted
        ((), ('127.0.0.1', '::1'))
        """
        return self.proxies or (_THIS_MACHINE if self.public is not None else ())

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach the socket."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_private(self) -> bool:
        """True if only people on this machine can reach the server."""
        return self.is_loopback and self.public is None

    def knows(self, host: str) -> bool:
        """Return True if a request may use this name of the server in its Host header.

        A page of another site can make a browser ask 127.0.0.1 under the page's own name (DNS rebinding); such names
        are refused. A server for others without a known name takes any: its cookies belong to the name they came from.

        >>> local = Address()
        >>> local.knows("localhost:8080"), local.knows("[::1]:8080"), local.knows("evil.example"), local.knows("")
        (True, True, False, False)
        """
        if not self.is_loopback and self.public is None:
            return bool(host)
        name = host.lower().rpartition(":")[0] if _has_port(host) else host.lower()
        known = _LOCAL_NAMES | {self.host.lower()}
        return name in known or (self.public is not None and name == _name(self.public))

    def is_own(self, origin: str, host: str) -> bool:
        """Return True if a page of `origin` is the server's own, for a request that came to `host`.

        >>> local = Address()
        >>> local.is_own("http://localhost:8080", "localhost:8080"), local.is_own("null", "localhost:8080")
        (True, False)
        """
        if self.public is not None and origin.lower().rstrip("/") == self.public.lower().rstrip("/"):
            return True
        try:
            parts = urlsplit(origin if origin.isascii() else "")
        except ValueError:  # brackets without an IPv6 address
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}"


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


def _name(url: str) -> str:
    return str(urlsplit(url).hostname)
