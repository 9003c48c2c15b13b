"""`DecodedFilms`: films at full size for the reader's page, the latest kept in memory, decoded in a process of its own.

A second reader, or a page that asks for the next film before it is wanted, then costs no decoding.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from unseen.data.decode import shared
from unseen.worklist.errors import WorklistError

MOST_BYTES: Final = 256 * 2**20
"""As much as fourteen films of 3000 × 3000 pixels."""
DAMAGED: Final = "The stored bytes are not those that were received: the disk is damaged. Restore a backup."
_LOW, _HIGH = 0.005, 0.995  # shares: markers and burnt-in letters at the ends do not make the lungs pale
_ENOUGH = 2**20  # samples, evenly spread, for those shares


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A film's samples, white = dense.

    samples     little-endian uint16, row by row: `Film.pixels` × (2**bits − 1)
    low, high   the samples at 0.5 % and 99.5 % of the film's own, from where to where it is shown at first
    spacing_mm  distance of neighbouring pixels; None where unknown
    """

    samples: bytes = field(repr=False)
    width: int
    height: int
    bits: int
    low: int
    high: int
    spacing_mm: float | None


class DecodedFilms:
    """The latest films that were asked for; by the digest of their bytes, so that one is never taken for another.

    bounded     held while a film is decoded: a film of 64 million pixels takes a quarter of a gigabyte
    most_bytes  of samples that are kept
    """

    def __init__(self, bounded: threading.BoundedSemaphore, *, most_bytes: int = MOST_BYTES) -> None:
        self._bounded = bounded
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Decoded] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self.decoded = 0
        """How many films were decoded, rather than found."""

    def film(self, path: Path) -> Decoded:
        """The film that lies at `path`, whose name is its digest.

        Raises WorklistError, with the reason, where it cannot be read.
        """
        if (found := self._found(path.name)) is not None:
            return found
        with self._bounded:
            if (found := self._found(path.name)) is not None:  # while this one waited for its turn
                return found
            film = _decode(path)
        with self._lock:
            self.decoded += 1
            if path.name not in self._kept and len(film.samples) <= self._most_bytes:
                self._kept[path.name] = film
                self._bytes += len(film.samples)
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest.samples)
        return film

    def _found(self, digest: str) -> Decoded | None:
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
            return self._kept.get(digest)


def _decode(path: Path) -> Decoded:
    picture = shared().decode(path)
    if isinstance(picture, str):
        raise WorklistError(f"The film cannot be shown: {picture}")
    if picture.file_sha256 != path.name:
        raise WorklistError(DAMAGED)
    height, width = picture.pixels.shape
    step = max(1, math.isqrt(picture.pixels.size // _ENOUGH))
    counts = np.cumsum(np.bincount(picture.pixels[::step, ::step].reshape(-1)))
    low, high = (int(np.searchsorted(counts, share * counts[-1])) for share in (_LOW, _HIGH))
    return Decoded(
        samples=picture.pixels.astype("<u2", copy=False).tobytes(),
        width=width,
        height=height,
        bits=picture.bits,
        low=low,
        high=high,
        spacing_mm=picture.spacing_mm,
    )
