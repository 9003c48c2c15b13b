"""Message of an error at the start of a listener: the port is taken, or no file descriptor is free."""

from __future__ import annotations

import errno
import socket

_NO_DESCRIPTOR = frozenset((errno.EMFILE, errno.ENFILE))


def cannot_listen(error: OSError, host: str, port: int, *, protocol: str = "", table: str = "") -> str:
    """Return cause and remedy of an error at the start of a listener.

    Args:
        error: raised by the operating system.
        host: address to listen on.
        port: port to listen on.
        protocol: protocol of the listener; empty: DICOM.
        table: table of the settings with the port; empty: the settings' top level.

    >>> print(cannot_listen(OSError(errno.EADDRINUSE, "Address already in use"), "127.0.0.1", 104))
    Port 104 of 127.0.0.1 cannot be listened on (Address already in use). Stop what listens there, or give another port
    >>> print(cannot_listen(OSError(errno.EACCES, "Permission denied"), "0.0.0.0", 104))
    Port 104 of 0.0.0.0 cannot be listened on (Permission denied). Allow this program ports below 1024, or give a higher
    port
    >>> print(cannot_listen(OSError(errno.EMFILE, "Too many open files"), "::", 80, protocol="HTTP", table="http"))
    Port 80 of :: cannot be listened on for HTTP: no file descriptor is free (Too many open files). Raise the limit on
    open files: `ulimit -n`, or `LimitNOFILE=` of a systemd service
    """
    refused = f"Port {port} of {host} cannot be listened on" + (f" for {protocol}" if protocol else "")
    if error.errno in _NO_DESCRIPTOR:
        return (
            f"{refused}: no file descriptor is free ({error.strerror}). Raise the limit on open files: `ulimit -n`, or "
            "`LimitNOFILE=` of a systemd service"
        )
    place = f" in [{table}]" if table else ""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{refused} ({error.strerror}). Correct host{place}: give an address of this machine"
    if error.errno == errno.EACCES:
        return f"{refused} ({error.strerror}). Allow this program ports below 1024, or give a higher port{place}"
    return f"{refused} ({error.strerror}). Stop what listens there, or give another port{place}"
