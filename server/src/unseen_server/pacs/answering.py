"""Requests of a peer that are being answered on an association; a release waits for them.

pynetdicom answers an N-EVENT-REPORT in a thread that it starts and does not wait for. A release by another thread could
be sent before that answer. The answer would then end the association's thread, and the peer would never receive it.
"""

from __future__ import annotations

import threading
from typing import Any

from pynetdicom.association import Association


class Answering:
    """Number of requests that an association is answering, counted from its creation on."""

    def __init__(self, association: Association) -> None:
        self._serve = association._serve_request
        self._changed = threading.Condition()
        self._requests = 0
        association._serve_request = self._served  # type: ignore[method-assign, assignment]

    def wait(self, timeout_s: float) -> bool:
        """Wait until every answer is on its way, and return whether that is so within `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._requests, timeout_s)

    def _served(self, *request: Any) -> None:  # Any: pynetdicom's own
        with self._changed:
            self._requests += 1
        try:
            self._serve(*request)
        finally:
            with self._changed:
                self._requests -= 1
                self._changed.notify_all()
