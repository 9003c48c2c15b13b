"""Ctrl-C between two steps of a training."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Stop:
    """Request to stop, made by Ctrl-C."""

    def __init__(self, *, asked: bool = False) -> None:
        self.asked = asked


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Stop]:
    """Defer Ctrl-C in the block: the first one only sets ``asked``; the second one interrupts at once.

    In a thread other than the main one, where signals cannot be caught, nothing changes.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)
