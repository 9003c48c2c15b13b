"""Pause of an association's reactor, the thread that receives and answers the peer's requests.

Another thread that sends on the association pauses the reactor first, so that each answer reaches the thread that waits
for it. This differs from pynetdicom, which regards a reactor as paused as soon as its flag `_is_paused` is set. That
flag is also set while the reactor answers a request, and for a moment before each check of the message queue. A release
or a report could then be sent before a pending answer, or the reactor could take an answer.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from pynetdicom.association import Association

_LOOK_S: Final = 0.02


class ReactorCheckpoint(threading.Event):
    """Event at which a reactor waits while the event is cleared; `held` is set while the reactor waits."""

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the event is set; the event may be cleared again before the reactor runs."""
        while not self.is_set():
            self.held.set()
            done = super().wait(timeout)
            self.held.clear()
            if not done:
                return False
        return True


def make_pausable(association: Association) -> None:
    """Give an association a checkpoint that `paused` can observe. Its reactor must not run yet."""
    checkpoint = ReactorCheckpoint()
    checkpoint.set()
    association._reactor_checkpoint = checkpoint


def paused(association: Association, *, within_s: float) -> bool:
    """Pause the reactor after the request that it answers now; it resumes after the next message is sent.

    Returns:
        True if the reactor waits. False if the association ended, or if the reactor did not pause in time and still
        runs.
    """
    checkpoint = association._reactor_checkpoint
    assert isinstance(checkpoint, ReactorCheckpoint)  # `make_pausable` was called
    until = time.monotonic() + within_s
    checkpoint.clear()
    while not checkpoint.held.wait(_LOOK_S):
        if not association.is_established or time.monotonic() >= until:
            checkpoint.set()
            return False
    return True
