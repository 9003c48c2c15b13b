"""Slots for decoding: at most two films of one sender are decoded at a time, by all workers of a worklist together.

A file of a hostile or broken sender may take a decoder the whole of its time and memory; other senders' films find a
decoder all the same. A slot is a lock on a file in the worklist's folder, which ends with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MOST_OF_A_SENDER: Final = 2
_POLL_S: Final = 0.02


class DecodingSlots:
    """Slots of the senders of one worklist.

    Args:
        folder: where the locks are; every worker must see the same one.
        wait_s: how long to wait for a slot; a film of today is decoded in less.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     slots = DecodingSlots(Path(folder), wait_s=0)
    ...     with slots.taken("ward") as one, slots.taken("ward") as two, slots.taken("ward") as three:
    ...         one, two, three
    (True, True, False)
    """

    def __init__(self, folder: Path, *, wait_s: float = 1.0) -> None:
        self.folder, self.wait_s = folder, wait_s

    @contextlib.contextmanager
    def taken(self, sender: str) -> Iterator[bool]:
        """Hold a slot of the sender; False where none became free in time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(sender.encode(errors="surrogatepass")).hexdigest()[:32]
        until = time.monotonic() + self.wait_s
        while (held := self._locked(name)) is None and time.monotonic() < until:
            time.sleep(_POLL_S)
        try:
            yield held is not None
        finally:
            if held is not None:
                os.close(held)  # ends the lock

    def _locked(self, name: str) -> int | None:
        """Return the descriptor of a file that this call has locked; None where all are locked."""
        for number in range(MOST_OF_A_SENDER):
            descriptor = os.open(self.folder / f"{name}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
            else:
                return descriptor
        return None
