"""Images that were sent to the lab: in memory, small, the latest few of each account; never in the worklist."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unseen.data import Decoder, DecoderLimits, area, grey_values
from unseen.lab import IMAGE_SIZES
from unseen_server.worklist.states import NotFoundError, WorklistError

MOST_BYTES: Final = 2**24
"""Largest file: 16 MB."""
_LIMITS: Final = DecoderLimits(min_side=min(IMAGE_SIZES), max_file_bytes=MOST_BYTES, max_pixels=40_000_000)
_MOST: Final = 64
_SIDE: Final = max(IMAGE_SIZES)


@dataclass(frozen=True, eq=False)
class Sent:
    """An image: whose it is, and its middle square, at most `max(SIZES)` pixels a side, in [0, 1]."""

    account: str
    pixels: NDArray[np.float32] = field(repr=False)


class Uploads:
    """The latest images. Files are decoded in a process of their own, and only their pixels are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Sent] = OrderedDict()
        self._decoder = Decoder(limits=_LIMITS)

    def take(self, data: bytes, account: str) -> tuple[str, tuple[int, int]]:
        """Return a name for the image in `data`, and its height and width. Raises WorklistError where there is none."""
        with tempfile.TemporaryDirectory(prefix="unseen-lab-") as folder:
            path = Path(folder) / "picture"
            path.write_bytes(data)
            found = self._decoder.decode(path)
        if isinstance(found, str):
            raise WorklistError(f"The image cannot be read: {found}")
        height, width = found.pixels.shape
        grey = grey_values(found)
        side = min(height, width)
        top, left = (height - side) / 2, (width - side) / 2
        small = min(side, _SIDE)
        square = area(np.ascontiguousarray(grey), small, small, box=(top, left, top + side, left + side))
        name = f"p-{secrets.token_hex(12)}"
        with self._lock:
            self._kept[name] = Sent(account, square)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return name, (height, width)

    def pixels(self, name: str, account: str) -> NDArray[np.float32]:
        """Return the pixels of an image. Raises NotFoundError where it is no longer here, or somebody else's."""
        with self._lock:
            sent = self._kept.get(name)
        if sent is None or sent.account != account:
            raise NotFoundError("That image is no longer here. Send it again.")
        return sent.pixels

    def close(self) -> None:
        self._decoder.close()
