"""Decoded films in memory, so that a second request for a film costs no decoding."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from unseen.data import shared_decoder
from unseen_server.web.film_residuals import compressed, residuals
from unseen_server.worklist.states import WorklistError

MOST_BYTES: Final = 256 * 2**20
"""Memory for decoded films: some ten films of 3000 × 3000 pixels."""
DAMAGED: Final = "The stored bytes are not those that were received: the disk is damaged. Restore a backup."
_LOW, _HIGH = 0.005, 0.995  # shares: markers and burnt-in letters at the ends do not make the lungs pale
_ENOUGH = 2**20  # samples, evenly spread, for those shares


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A film's samples, white = dense.

    Args:
        samples: little-endian uint16, row by row: `Film.pixels` × (2**bits − 1).
        residuals: the same in fewer bytes, see `web.film_residuals`: gzip.
        low, high: the samples at 0.5 % and 99.5 % of the film's own, for the window over its own range.
        spacing_mm: distance of neighbouring pixels; None where unknown.
        display: how the file asks to be shown, and its grey scale: see `data.dicom_display_hints.display_of`.
    """

    samples: bytes = field(repr=False)
    residuals: bytes = field(repr=False)
    width: int
    height: int
    bits: int
    low: int
    high: int
    spacing_mm: float | None
    display: Mapping[str, Any] = field(default_factory=dict, repr=False)  # Any: JSON

    @property
    def frames(self) -> int:
        """Number of frames of the file."""
        return int(self.display.get("frames", 1))

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory, without its header."""
        return len(self.samples) + len(self.residuals)


class DecodedFilms:
    """The latest films that were asked for; by the digest of their bytes, so that one is never taken for another.

    Args:
        bounded: held while a film is decoded: a film of 64 million pixels takes a quarter of a gigabyte.
        most_bytes: of samples and residuals that are kept.
    """

    def __init__(self, bounded: threading.BoundedSemaphore, *, most_bytes: int = MOST_BYTES) -> None:
        self._bounded = bounded
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, int], Decoded] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self.decoded = 0
        """Number of films that were decoded, because they were not kept."""

    def film(self, path: Path, frame: int = 0) -> Decoded:
        """Return the film that lies at `path`, whose name is its digest; of a file of several frames this one.

        Raises WorklistError, with the reason, where it cannot be read.
        """
        key = (path.name, frame)
        if (found := self._found(key)) is not None:
            return found
        with self._bounded:
            if (found := self._found(key)) is not None:  # while this one waited for its turn
                return found
            film = _decode(path, frame)
        with self._lock:
            self.decoded += 1
            if key not in self._kept and film.nbytes <= self._most_bytes:
                self._kept[key] = film
                self._bytes += film.nbytes
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
        return film

    def forget(self) -> None:
        """Keep none: some of them may have been erased."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _found(self, key: tuple[str, int]) -> Decoded | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)


def _decode(path: Path, frame: int) -> Decoded:
    picture = shared_decoder().decode(path, frame=frame)
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
        residuals=compressed(residuals(picture.pixels, bits=picture.bits)),
        width=width,
        height=height,
        bits=picture.bits,
        low=low,
        high=high,
        spacing_mm=picture.spacing_mm,
        display=picture.display,
    )
