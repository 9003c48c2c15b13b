"""Film images: decoded at full size by a process of their own, and as PNG.

A second reader, or a page that asks for the next film before it is wanted, then costs no decoding.

What can be looked at: a film as 8-bit PNG, an anomaly map as numbers or as PNG, and what a model made of a film.

Films in fewer bytes and without loss, for the way to the browser.

Each sample is predicted from its left, upper and upper left neighbours (the predictor of LOCO-I, which JPEG-LS uses).
What is sent is the difference, zigzag-coded so that small differences of both signs are small numbers:

    p = median(left, up, left + up − upper left);  d = sample − p;  z = 2d for d ≥ 0, −2d − 1 for d < 0  (mod 2¹⁶)

All low bytes of z come first, then all high bytes, and gzip codes both. Before the first column lies the sample above,
above the first row the one to the left, before the first sample 0. `static/js/lossless.js` restores the samples; why it
is this and not PNG: docs/decisions/0027.
"""

from __future__ import annotations

import io
import math
import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unseen.data import Entry, NotRead, area, read_film, shared_decoder
from unseen_server.worklist.states import NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.renditions import Rendition


MOST_BYTES: Final = 256 * 2**20
"""As much as ten films of 3000 × 3000 pixels."""
DAMAGED: Final = "The stored bytes are not those that were received: the disk is damaged. Restore a backup."
_LOW, _HIGH = 0.005, 0.995  # shares: markers and burnt-in letters at the ends do not make the lungs pale
_ENOUGH = 2**20  # samples, evenly spread, for those shares


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A film's samples, white = dense.

    samples     little-endian uint16, row by row: `Film.pixels` × (2**bits − 1)
    residuals   the same in fewer bytes, see `unseen_server.web.images`: gzip
    low, high   the samples at 0.5 % and 99.5 % of the film's own, for the window over its own range
    spacing_mm  distance of neighbouring pixels; None where unknown
    display     how the file asks to be shown, and its grey scale: see `data.dicom_display.display_of`
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
        """How many the file has."""
        return int(self.display.get("frames", 1))

    @property
    def nbytes(self) -> int:
        """What it takes in memory, without its header."""
        return len(self.samples) + len(self.residuals)


class DecodedFilms:
    """The latest films that were asked for; by the digest of their bytes, so that one is never taken for another.

    bounded     held while a film is decoded: a film of 64 million pixels takes a quarter of a gigabyte
    most_bytes  of samples and residuals that are kept
    """

    def __init__(self, bounded: threading.BoundedSemaphore, *, most_bytes: int = MOST_BYTES) -> None:
        self._bounded = bounded
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, int], Decoded] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self.decoded = 0
        """How many films were decoded, rather than found."""

    def film(self, path: Path, frame: int = 0) -> Decoded:
        """The film that lies at `path`, whose name is its digest; of a file of several frames this one.

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


_PNG_LOW, _PNG_HIGH = 0.5, 99.5  # percentiles: marks and markers at the ends do not make the lungs pale


def preview(path: Path, name: str, *, size: int) -> bytes:
    """The film's grey values at `path` as a PNG whose longer side has `size` pixels at most.

    Raises WorklistError, with the reason, where it cannot be read.
    """
    film = read_film(Entry(name=name, path=path, source="", patient=name, study=name))
    if isinstance(film, NotRead):
        raise WorklistError(f"The film cannot be shown: {film.reason}")
    if film.file_sha256 != path.name:
        raise WorklistError("The stored bytes are not those that were received: the disk is damaged. Restore a backup.")
    height, width = film.pixels.shape
    scale = min(1.0, size / max(height, width))
    pixels = film.pixels
    if scale < 1:
        pixels = area(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    return _png(_eight_bits(pixels))


def numbers(path: Path) -> bytes:
    """The map's file. Raises NotFoundError where it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("The anomaly map is no longer here. Restore a backup, or score the film again.") from None


def map_picture(path: Path, *, coloured: bool, high: float | None) -> tuple[bytes, float]:
    """The map at `path` as PNG, and the value that is shown brightest.

    high   that value; None: the map's own maximum
    """
    values: NDArray[np.float32] = np.load(io.BytesIO(numbers(path)), allow_pickle=False)
    top = float(high if high is not None else np.nan_to_num(values).max(initial=0.0)) or 1.0
    if coloured:
        from unseen.evaluation import coloured as in_colours

        return _png(in_colours(values, high=top)), top
    return _png(_eight_bits(np.nan_to_num(values) / top)), top


def brightest(path: Path) -> float:
    """The value of the map at `path` that 99.5 % of it lie below, for its brightest colour. Raises NotFoundError."""
    values: NDArray[np.float32] = np.load(io.BytesIO(numbers(path)), allow_pickle=False)
    return float(np.percentile(np.nan_to_num(values), _PNG_HIGH)) or float(np.nan_to_num(values).max()) or 1.0


def rendition(
    kept: Rendition, what: Literal["image", "reconstruction", "residual", "lungs", "inside"]
) -> tuple[bytes, tuple[float, float]]:
    """One image of what a model made of a film, as PNG, and the values that are black and white.

    image and reconstruction go from the 0.5th to the 99.5th percentile of the image, so that both are comparable;
    residual is |image − reconstruction| where it is judged, up to its 99.5th percentile there; lungs and inside are
    masks.

    Raises NotFoundError for lungs that were not looked for, and for what a model does not make.
    """
    if what in ("lungs", "inside"):
        mask = kept.inside if what == "inside" else kept.lungs
        if mask is None:
            raise NotFoundError("This model looks at the whole film: no lungs were looked for.")
        return _png(_eight_bits(mask.astype(np.float32))), (0.0, 1.0)
    made = kept.image if what == "image" else kept.reconstruction
    if made is None:
        raise NotFoundError("This model gives no image back, so there is none to show.")
    if what == "residual":
        values = np.abs(kept.image - made) * kept.inside
        judged = values[kept.inside]
        low, high = 0.0, float(np.percentile(judged, _PNG_HIGH)) if judged.size else 1.0
    else:
        values = made
        low, high = (float(end) for end in np.percentile(kept.image, (_PNG_LOW, _PNG_HIGH)))
    high = high if high > low else low + 1.0
    return _png(_eight_bits((values - low) / (high - low))), (low, high)


def _eight_bits(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(values, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _png(picture: NDArray[np.uint8]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(picture).save(written, format="PNG")
    return written.getvalue()


_ROWS: Final = 32  # coded at a time: what is computed for them stays in the processor's cache
_GZIP: Final = 31  # zlib's number for gzip around a window of 32 KiB
_MEMORY: Final = 9


def compressed(residual: NDArray[np.uint8]) -> bytes:
    """A film's `residuals` as gzip.

    Run lengths and Huffman codes alone: differences hold noise, in which a search for repetitions finds nothing.
    """
    coder = zlib.compressobj(1, zlib.DEFLATED, _GZIP, _MEMORY, zlib.Z_RLE)
    return coder.compress(residual.data) + coder.flush()


def residuals(samples: NDArray[np.uint8] | NDArray[np.uint16], *, bits: int) -> NDArray[np.uint8]:
    """What is left of each sample after its prediction: low bytes and high bytes, (2, height, width).

    bits  samples lie below 2**bits; 1 to 16
    """
    height, width = samples.shape
    planes = np.empty((2, height, width), np.uint8)
    kind = np.int16 if bits <= 14 else np.int32  # left + up − upper left must fit
    padded = np.zeros((_ROWS + 1, width + 1), kind)
    for top in range(0, height, _ROWS):
        rows = samples[top : top + _ROWS]
        here = padded[: len(rows) + 1]
        here[1:, 1:] = rows
        here[1:, 0] = here[:-1, 1]  # before the first column lies the sample above
        if top == 0:
            here[1, 0] = 0
            here[0, 1:] = here[1, :-1]  # above the first row the one to the left
        left, up, corner = here[1:, :-1], here[:-1, 1:], here[:-1, :-1]
        plane = left + up
        plane -= corner
        least, most = np.minimum(left, up), np.maximum(left, up)
        np.minimum(plane, most, out=plane)
        np.maximum(plane, least, out=plane)
        difference = (here[1:, 1:] - plane).astype(np.int16)
        zigzag = ((difference << 1) ^ (difference >> 15)).view(np.uint16)
        planes[0, top : top + _ROWS] = zigzag.view(np.uint8)[:, ::2]
        planes[1, top : top + _ROWS] = zigzag.view(np.uint8)[:, 1::2]
        padded[0] = here[-1]
    return planes
