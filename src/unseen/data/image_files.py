"""PNG, JPEG and WebP files to upright grey integers, through Pillow.

Colour becomes grey by ITU-R 601 luma (equal channels keep their value exactly), alpha is dropped, EXIF orientation is
applied. A 16-bit grey PNG does not state how many of its bits are used: the nominal bits are the smallest of 8, 10, 12,
14, 16 that hold its maximum. A film exposed so faintly that it uses less than half of its range would be taken for one
of fewer bits. Of a 16-bit colour PNG the upper 8 bits are read, if by the same rule all 16 are used; else it is
refused.

A PNG's chunks are checked before decoding: size, depth, animation, CRCs (PNG, third edition, section 5.4) and the
length of the inflated data. Pillow checks neither the CRC of the image data nor their length: a flipped bit would pass
as a film, and missing lines would come out black. The data are inflated once: Pillow gets the result.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from unseen.data.decoder_protocol import DecodedImage, DecoderLimits, Refused, canonical
from unseen.data.grey_scale import whole_range, with_grey_scale
from unseen.data.jpeg_completeness import check_whole

_COLOURS = {0: "grey", 2: "colour", 3: "palette", 4: "grey with alpha", 6: "colour with alpha"}
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PASSES = (  # of Adam7 interlacing: first column and row, step across and down
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_STEP = 1 << 16  # bytes that are inflated at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class PngHeader:
    """`width` and `height` in pixels, `depth` in bits a sample, `colour` in words, `animated` when it is an APNG.

    `inflated` is the length in bytes that the image data must have once inflated (section 9.2).
    """

    width: int
    height: int
    depth: int
    colour: str
    animated: bool
    inflated: int


def walk(data: bytes) -> PngHeader:
    """Return the header of the PNG `data`, after every chunk's length and CRC was found right.

    Raises:
        Refused: a chunk is cut off or damaged, IHDR or IEND is missing, or IHDR has values that PNG does not allow.
    """
    chunks = _chunks(data)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise Refused("The PNG does not begin with its header (IHDR). Send it again from its source.")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth not in _PNG_DEPTHS.get(colour, ()) or interlace > 1:
        raise Refused(
            f"The PNG's header has colour type {colour}, depth {depth}, interlacing {interlace}, which do not exist. "
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


def inflated_once(data: bytes, header: PngHeader) -> io.BytesIO:
    """Return the same PNG with its image data inflated, in stored blocks: whoever reads it next need not inflate them
    again.

    Raises:
        Refused: they do not inflate to exactly the header's length, or are damaged.
    """
    chunks = _chunks(data)
    first = next((number for number, (name, _) in enumerate(chunks) if name == b"IDAT"), len(chunks))
    last = next((number for number in range(first, len(chunks)) if chunks[number][0] != b"IDAT"), len(chunks))
    made = io.BytesIO()
    made.write(data[:8])
    for name, part in chunks[:first]:
        _write_chunk(made, name, part)
    inflate, store = zlib.decompressobj(), zlib.compressobj(0)
    length = 0
    try:
        for _, part in chunks[first:last]:
            for at in range(0, len(part), _STEP):
                if length > header.inflated or inflate.eof:
                    break
                found = inflate.decompress(part[at : at + _STEP], header.inflated + 1 - length)
                length += len(found)
                _write_chunk(made, b"IDAT", store.compress(found))
        rest = inflate.flush(_STEP) if length <= header.inflated and not inflate.eof else b""
        length += len(rest)
        _write_chunk(made, b"IDAT", store.compress(rest) + store.flush())
    except zlib.error as error:
        raise Refused(f"The PNG is damaged: its image data do not inflate ({error}). Send it again.") from error
    if length != header.inflated or not inflate.eof:
        seen = f"at least {length}" if length > header.inflated else str(length)
        raise Refused(
            f"The PNG's image data are {seen} bytes, {header.width}×{header.height} pixels need {header.inflated}. "
            "Send it again from its source."
        )
    for name, part in chunks[last:]:
        _write_chunk(made, name, part)
    made.seek(0)
    return made


def _write_chunk(into: io.BytesIO, name: bytes, part: bytes | memoryview) -> None:
    into.write(struct.pack(">I4s", len(part), name))
    into.write(part)
    into.write(struct.pack(">I", zlib.crc32(part, zlib.crc32(name))))


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
    """Return the bytes of all lines, each with its filter byte.

    >>> _inflated(10, 3, bits=12, interlaced=False)
    48
    """
    total = 0
    for x, y, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // across), -(-(height - y) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


_DEPTHS = (8, 10, 12, 14, 16)
_NAMES = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
_EXIF_ORIENTATION = 0x0112
_UPPER_14_BITS = 2 ** (14 - 8)  # what a value of 15 bits or more reaches in the upper byte
_PLUGINS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)  # imported to be registered; no other opens a file

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before, and without a warning in between


def read_common(
    data: bytes, *, file_format: Literal["png", "jpeg", "webp"], limits: DecoderLimits, mask: bool = False
) -> DecodedImage:
    """Return the image in `data`, which begins as `file_format` does; a `mask` may be small and have less than 8 bits.

    Raises:
        Refused: it moves, is too large, too small, too shallow, or 16-bit colour. Damaged data raise what Pillow
            raises.
    """
    halved, file = False, io.BytesIO(data)
    if file_format == "png":
        halved, file = _checked_png(data, limits=limits, mask=mask)
    elif file_format == "webp":
        width, height = webp_canvas(data)
        _check(width, height, limits=limits, mask=mask)
    with Image.open(file, formats=[file_format.upper()]) as image:
        _check(*image.size, limits=limits, mask=mask)
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and file_format != "jpeg":  # further images in a JPEG (MPO) are a telephone's previews
            raise Refused(f"The {_NAMES[file_format]} holds {frames} images. Export the one film alone.")
        orientation = _orientation(image)
        image.load()
        if file_format == "jpeg":
            check_whole(data, jpeg_pixels, pixels=np.asarray(image))
        pixels = _grey(image)  # (height, width)
        if halved and int(pixels.max()) < _UPPER_14_BITS:
            raise Refused(
                "The PNG is 16-bit colour and uses at most 14 of its bits, of which only the upper 8 would be read. "
                "Export it as 16-bit grey."
            )
    bits = _nominal_bits(pixels) if pixels.dtype == np.uint16 else 8
    samples = canonical(_upright(pixels, orientation), bits=bits)
    display = with_grey_scale({}, samples, bits=bits) if pixels.dtype == np.uint16 else whole_range(bits)
    return DecodedImage(pixels=samples, bits=bits, file_format=file_format, display=display)


def jpeg_pixels(data: bytes) -> NDArray[np.uint8]:
    """Return the samples of a JPEG as Pillow decodes them, (height, width) or (height, width, samples)."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image)


def webp_canvas(data: bytes) -> tuple[int, int]:
    """Return the width and height in the header of the WebP `data`, before a decoder reserves memory (RFC 9649,
    section 2).

    Raises:
        Refused: the file is cut off, moves, or its first chunk is none of VP8, VP8L, VP8X.
    """
    claimed = int.from_bytes(data[4:8], "little") + 8
    if len(data) < max(claimed, 30):
        raise Refused(
            f"The WebP is cut off: it has {len(data)} bytes and claims {claimed}. Send it again from its source."
        )
    match data[12:16]:
        case b"VP8X":
            if data[20] & 0x02:
                raise Refused("The WebP is an animation. Export the one film alone.")
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            packed = int.from_bytes(data[21:25], "little")
            return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    raise Refused("The WebP's first chunk is unknown. Send it again from its source.")


def _checked_png(data: bytes, *, limits: DecoderLimits, mask: bool) -> tuple[bool, io.BytesIO]:
    """Return whether Pillow keeps only the upper 8 of 16 bits, as it does with colour; and what Pillow is to read."""
    header = walk(data)
    _check(header.width, header.height, limits=limits, mask=mask)
    if header.animated:
        raise Refused("The PNG is an animation. Export the one film alone.")
    file = inflated_once(data, header)
    if header.depth < 8 and header.colour == "grey" and not mask:
        raise Refused(
            f"The PNG has {header.depth} bit a pixel; a film needs at least 8. Export the film, not a mask of it."
        )
    return header.depth == 16 and header.colour != "grey", file


def _check(width: int, height: int, *, limits: DecoderLimits, mask: bool) -> None:
    if not mask or width * height > limits.max_pixels:
        limits.check_size(width=width, height=height)


def _grey(image: Image.Image) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if image.mode.startswith("I;16"):
        return np.asarray(image, dtype=np.uint16)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return np.asarray(image if image.mode == "L" else image.convert("L"), dtype=np.uint8)


def _nominal_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> int:
    highest = int(pixels.max())
    return next(bits for bits in _DEPTHS if highest < 2**bits)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (as stored) when there is none or the EXIF data cannot be parsed."""
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # the edge: damaged EXIF data raise anything, and hold no orientation
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: NDArray[np.unsignedinteger], orientation: int) -> NDArray[np.unsignedinteger]:
    """Undo the EXIF orientation (Exif 3.0, 4.6.5: where the first stored row and column are to be seen)."""
    if orientation >= 5:
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
