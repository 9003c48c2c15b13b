"""A PNG's chunks, walked before decoding: the size it claims, its depth, whether it moves, whether its bytes are whole.

Pillow checks neither the CRC of the picture data nor that there are enough of them: a flipped bit passes as a film, and
missing lines come out black. The CRCs (PNG, third edition, section 5.4) and the length of the inflated data find both.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from unseen.data.picture import Refused

_COLOURS = {0: "grey", 2: "colour", 3: "palette", 4: "grey with alpha", 6: "colour with alpha"}
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PASSES = (  # of Adam7 interlacing: first column and row, step across and down
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_STEP = 1 << 18  # bytes inflated at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class PngHeader:
    """`width` and `height` in pixels, `depth` in bits a sample, `colour` in words, `animated` when it is an APNG.

    `inflated` is the length in bytes that the picture data must have once inflated (section 9.2).
    """

    width: int
    height: int
    depth: int
    colour: str
    animated: bool
    inflated: int


def walk(data: bytes) -> PngHeader:
    """The header of the PNG `data`, after every chunk's length and CRC was found right.

    Raises:
        Refused: a chunk is cut off or damaged, IHDR or IEND is missing, or IHDR says what PNG does not have.
    """
    chunks = _chunks(data)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise Refused("The PNG does not begin with its header (IHDR). Send it again from its source.")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth not in _DEPTHS.get(colour, ()) or interlace > 1:
        raise Refused(
            f"The PNG's header says colour type {colour}, depth {depth}, interlacing {interlace}, which do not exist. "
            "Send it again from its source."
        )
    return PngHeader(
        width=width,
        height=height,
        depth=depth,
        colour=_COLOURS[colour],
        animated=any(name == b"acTL" for name, _ in chunks),
        inflated=_inflated(width, height, bits=depth * _SAMPLES[colour], interlaced=interlace == 1),
    )


def check_length(data: bytes, header: PngHeader) -> None:
    """Raise `Refused` unless the picture data of the PNG inflate to exactly the header's length; nothing is kept.

    Raises:
        Refused: there are too few or too many, or they are damaged.
    """
    inflate = zlib.decompressobj()
    length = 0
    try:
        for name, part in _chunks(data):
            left = bytes(part) if name == b"IDAT" else b""
            while left and length <= header.inflated and not inflate.eof:
                length += len(inflate.decompress(left, _STEP))
                left = inflate.unconsumed_tail
        length += len(inflate.flush(_STEP)) if length <= header.inflated and not inflate.eof else 0
    except zlib.error as error:
        raise Refused(f"The PNG is damaged: its picture data do not inflate ({error}). Send it again.") from error
    if length != header.inflated or not inflate.eof:
        seen = f"at least {length}" if length > header.inflated else str(length)
        raise Refused(
            f"The PNG's picture data are {seen} bytes, {header.width}×{header.height} pixels need {header.inflated}. "
            "Send it again from its source."
        )


def _chunks(data: bytes) -> list[tuple[bytes, memoryview]]:
    view = memoryview(data)
    chunks: list[tuple[bytes, memoryview]] = []
    at = 8
    while not chunks or chunks[-1][0] != b"IEND":
        if at + 12 > len(data):
            raise Refused(
                f"The PNG ends after {len(data)} bytes without its closing chunk (IEND). Send it again from its source."
            )
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise Refused(
                f"The PNG is cut off: a chunk claims {length} bytes, {len(data) - at - 12} are left. "
                "Send it again from its source."
            )
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise Refused(
                f"The PNG is damaged: the checksum of a chunk at byte {at} is wrong. Send it again from its source."
            )
        chunks.append((name, view[at + 8 : end]))
        at = end + 4
    return chunks


def _inflated(width: int, height: int, *, bits: int, interlaced: bool) -> int:
    """Bytes of all lines, each with its filter byte.

    >>> _inflated(10, 3, bits=12, interlaced=False)
    48
    """
    total = 0
    for x, y, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // across), -(-(height - y) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total
