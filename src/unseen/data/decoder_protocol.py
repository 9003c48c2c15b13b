"""Messages between the decoding child process and its parent: limits, results, refusals, messages. Never pickle.

A request is one frame: a length and a JSON object. A reply is one frame; when it holds a shape, height × width integers
of its dtype follow. This module imports little, because the child process starts with it; and no numpy, because
the child that reads Parquet files needs none.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.uint8] | NDArray[np.uint16]

Projection = Literal["frontal", "lateral", "uncertain"]
"""frontal: PA or AP, certainly; lateral; uncertain: neither is certain, or the view is another one."""

Origin = Literal["original", "derived", "secondary", "processed"]
"""original: an exposure, or unknown; derived: made from one, as vendors also mark ordinary films; secondary: a
secondary capture; processed: content was changed, such as by bone suppression."""


class Refused(Exception):
    """A file is not read; the message is the sentence that `NotRead.reason` will show."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DecodedImage:
    """Decoded pixels and the file's description of them.

    Attributes:
        pixels: (height, width), upright, white = dense, 0 to 2**bits - 1; uint8 when `bits` is 8, else uint16.
        bits: nominal bits a pixel, 8 to 16.
        code_beam: direction of the beam by ViewCodeSequence (0054,0220).
        display: how the file asks to be shown, and its grey scale; see `dicom_display_hints.display_of`.
    """

    pixels: Integers
    bits: int
    file_format: str
    view_position: str | None = None
    patient_orientation: str | None = None
    projection: Projection | None = None
    code_beam: Literal["AP", "PA"] | None = None
    origin: Origin = "original"
    related: Sequence[str] = field(default=(), repr=False)
    spacing_mm: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    identifiers: Mapping[str, str] = field(default_factory=dict, repr=False)
    display: Mapping[str, Any] = field(default_factory=dict, repr=False)  # Any: JSON, see `grey_scale.with_grey_scale`
    file_sha256: str = ""
    file_bytes: int = 0
    pixel_sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderLimits:
    """Limits of memory, time and size for decoding one file.

    The defaults are several times what a chest X-ray of today needs.

    Attributes:
        max_pixels: rows × columns, checked in the header before anything is decoded (the largest detectors give 20e6).
        min_side: the shorter side in pixels: less shows no chest.
        max_file_bytes: 64e6 pixels of 16 bits are 128e6 bytes.
        memory_mb: of the child's address space, its code included. With the caller's copy of the largest film it stays
            under 2 GB.
        timeout_s: for one file, after which the child is killed; a second try shares it.
    """

    max_pixels: int = 64_000_000
    min_side: int = 32
    max_file_bytes: int = 256 * 2**20
    memory_mb: int = 1500
    timeout_s: float = 10.0

    def check_size(self, *, width: int, height: int) -> None:
        """Raise `Refused` unless an image of this size may be decoded.

        >>> DecoderLimits().check_size(width=20_000, height=20_000)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        unseen.data.decoder_protocol.Refused: The image is 20000×20000 = 400,000,000 pixels, the limit is ...
        """
        if width * height > self.max_pixels:
            raise Refused(
                f"The image is {width}×{height} = {width * height:,} pixels, the limit is {self.max_pixels:,}. "
                "Export it at a lower resolution."
            )
        if min(width, height) < self.min_side:
            raise Refused(
                f"The image is too small: {width}×{height} pixels, and each side needs at least {self.min_side}. "
                "Export the whole film."
            )


def canonical(pixels: NDArray[np.unsignedinteger], *, bits: int) -> Integers:
    """`pixels` as contiguous uint8 when `bits` is at most 8, else uint16, so that a digest does not hang on the file's
    container.

    >>> import numpy as np
    >>> canonical(np.zeros((1, 2), np.uint32), bits=12).dtype
    dtype('uint16')
    """
    import numpy as np

    if bits <= 8:
        return np.ascontiguousarray(pixels, dtype=np.uint8)
    return np.ascontiguousarray(pixels, dtype=np.uint16)


LENGTH = struct.Struct(">I")
MAX_FRAME = 2 << 20  # bytes: eight VOI LUTs in base64
_FACTS = tuple(field.name for field in fields(DecodedImage) if field.name != "pixels")

Message = Mapping[str, Any]  # JSON: the values' types differ from key to key


def frame(message: Message) -> bytes:
    """`message` as bytes: its length (4 bytes, big endian) and itself in JSON (ASCII).

    >>> frame({"mask": False})
    b'\\x00\\x00\\x00\\x0f{"mask": false}'
    """
    body = json.dumps(message).encode("ascii")
    return LENGTH.pack(len(body)) + body


def facts(image: DecodedImage) -> Message:
    """Return the reply that goes before the integers of `image`."""
    return {name: getattr(image, name) for name in _FACTS} | {
        "shape": list(image.pixels.shape),
        "dtype": image.pixels.dtype.name,
    }


def empty_pixels(reply: Message, *, limits: DecoderLimits) -> Integers:
    """Allocate the array for the integers that follow `reply`.

    A child that was taken over could claim anything, so the claim is checked.

    Raises:
        ValueError: the shape or the type is not one that a child may send.
    """
    import numpy as np

    height, width = (int(side) for side in reply["shape"])
    if min(height, width) < 1 or height * width > limits.max_pixels:
        raise ValueError(f"the child announced {height}×{width} pixels")
    if reply["dtype"] not in ("uint8", "uint16"):
        raise ValueError(f"the child announced pixels of type {reply['dtype']!r}")
    if reply["dtype"] == "uint8":
        return np.empty((height, width), np.uint8)
    return np.empty((height, width), np.uint16)


def octets(pixels: Integers) -> memoryview:
    """Return the bytes of contiguous `pixels`, not copied."""
    return pixels.data.cast("B")


def image(reply: Message, pixels: Integers) -> DecodedImage:
    """Return the image of which `reply` holds the facts."""
    return DecodedImage(pixels=pixels, **{name: reply[name] for name in _FACTS})
