"""Log of the DICOM or HL7 listener where it cannot accept connections: the first failure, and the recovery."""

from __future__ import annotations

import logging

_log = logging.getLogger("unseen")


class AcceptLog:
    """State of one listener.

    Args:
        name: of the listener, before the event's name in the log.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._failures = 0

    def failed(self, error: OSError) -> None:
        """Count a failure; write the first of a row to the log."""
        if not self._failures:
            _log.warning("%s.accept_failed why=%s; it tries again until it succeeds", self._name, error)
        self._failures += 1

    def succeeded(self) -> None:
        """Write to the log that connections are accepted again, if they were not."""
        if self._failures:
            _log.warning("%s.accepts_again failures=%d", self._name, self._failures)
        self._failures = 0
