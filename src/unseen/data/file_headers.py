"""First bytes of a file: its type, and the size that a codestream claims.

The size in a compressed image's own header, read before a decoder sees it.

Every decoder believes the codestream; DICOM's Rows and Columns stand beside it. Where the two differ the image comes
out sheared or the process runs out of memory, so they are compared first. J2K: ISO/IEC 15444-1 A.5.1 (SIZ). JPEG: ITU-T
T.81 B.2.2 (SOFn). JPEG-LS: T.87 C.2.2 (SOF55). RLE: DICOM PS3.5 annex G.5.
"""

import struct
from dataclasses import dataclass
from typing import Literal

from unseen.data.decoder_protocol import Refused

Kind = Literal["png", "jpeg", "webp", "dicom", "bare dicom"]

# First bytes of what people send instead, and what it is called.
_OTHERS = (
    (b"GIF8", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"II+\0", "a TIFF"),
    (b"MM\0+", "a TIFF"),
    (b"BM", "a BMP"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"\xff\x0a", "a JPEG XL codestream"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x30\x82", "a cryptographic (ASN.1) envelope, perhaps encrypted DICOM"),
    (b"\x30\x80", "a cryptographic (ASN.1) envelope, perhaps encrypted DICOM"),
)


def file_kind(data: bytes) -> Kind:
    """The format that `data` begins with; "bare dicom" is DICOM without the preamble, which `dicom.py` looks at more
    closely.

    Raises:
        Refused: it is none of the four, with a guess at what it is.

    >>> file_kind(bytes(128) + b"DICM")
    'dicom'
    >>> file_kind(b"GIF89a")
    Traceback (most recent call last):
    ...
    unseen.data.decoder_protocol.Refused: This is a GIF, which is not read. Export the film as DICOM, PNG, JPEG or WebP.
    """
    if data[128:132] == b"DICM":
        return "dicom"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] == b"\x08\0":  # group 0008, little endian
        return "bare dicom"
    raise Refused(f"This is {_guess(data)}, which is not read. Export the film as DICOM, PNG, JPEG or WebP.")


def _guess(data: bytes) -> str:
    for start, name in _OTHERS:
        if data.startswith(start):
            return name
    head = data[:512]
    if b"<svg" in head or b"<html" in head.lower() or head.startswith(b"<?xml"):
        return "markup (SVG, HTML or XML)"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in head):
        return "text"
    return f"none of the known formats (it begins with {data[:8].hex(' ')})"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMeta:
    """File meta information of a DICOM file: transfer syntax, SOP class ("" where none is named), start of the data."""

    syntax: str
    sop_class: str
    end: int


def file_meta(data: bytes) -> FileMeta:
    """Group 0002 of a DICOM file, parsed without touching what follows (PS3.10, 7.1).

    Raises:
        Refused: an attribute is named twice, or no transfer syntax is.
    """
    at = 132
    found: dict[int, bytes] = {}
    while data[at : at + 2] == b"\x02\0":
        element = int.from_bytes(data[at + 2 : at + 4], "little")
        long = data[at + 4 : at + 6] in (b"OB", b"UN", b"UT", b"SQ", b"OW")
        start = at + (12 if long else 8)
        length = int.from_bytes(data[start - (4 if long else 2) : start], "little")
        if start + length > len(data):
            break
        if element in found:
            raise Refused("The DICOM file's meta information names an attribute twice. Send the file again.")
        found[element] = data[start : start + length]
        at = start + length
    if 0x0010 not in found:
        raise Refused(
            "The DICOM file's meta information names no transfer syntax. Send the file again from its source."
        )
    syntax, sop_class = (found.get(key, b"").rstrip(b"\0 ").decode("ascii", "replace") for key in (0x0010, 0x0002))
    return FileMeta(syntax=syntax, sop_class=sop_class, end=at)


_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7})
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


@dataclass(frozen=True, kw_only=True, slots=True)
class Codestream:
    """`process` is the SOF marker's low byte (0xC0 baseline … 0xF7 JPEG-LS), or 0x51 for J2K; `precision` in bits a
    sample."""

    process: int
    width: int
    height: int
    samples: int
    precision: int


def j2k_header(stream: bytes) -> Codestream:
    """The SIZ segment of a JPEG 2000 codestream.

    Raises:
        Refused: it does not begin with SOC and SIZ, is too short, or uses offsets, subsampling or signs that films do
            not have.
    """
    if stream[:4] != b"\xff\x4f\xff\x51" or len(stream) < 51:
        raise Refused(
            "The JPEG 2000 data do not begin with their header (SOC, SIZ). Send the file again, uncompressed."
        )
    x, y, x0, y0 = struct.unpack_from(">4I", stream, 8)
    (samples,) = struct.unpack_from(">H", stream, 40)
    depth, dx, dy = stream[42], stream[43], stream[44]
    if x0 or y0 or dx != 1 or dy != 1:
        raise Refused(
            "The JPEG 2000 data have an offset or are subsampled, which films are not. "
            "Send the file again, uncompressed."
        )
    return Codestream(process=0x51, width=x, height=y, samples=samples, precision=(depth & 0x7F) + 1)


def jpeg_header(stream: bytes) -> Codestream:
    """The first SOF segment of a JPEG or JPEG-LS codestream.

    Raises:
        Refused: it does not begin with SOI, or ends before SOF.
    """
    if stream[:2] != b"\xff\xd8":
        raise Refused("The JPEG data do not begin with their header (SOI). Send the file again, uncompressed.")
    at = 2
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF or marker in _BARE:  # a fill byte, or a marker by itself
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", stream, at + 2)
        if marker in _SOF and at + 10 <= len(stream):
            precision, height, width, samples = struct.unpack_from(">BHHB", stream, at + 4)
            return Codestream(process=marker, width=width, height=height, samples=samples, precision=precision)
        if marker in (0xD9, 0xDA):
            break
        at += 2 + max(length, 2)
    raise Refused("The JPEG data end before the frame header (SOF). Send the file again, uncompressed.")


def check_ending(stream: bytes) -> None:
    """Raise `Refused` unless the codestream ends with its closing marker (EOI, EOC: FF D9), a zero of padding allowed.

    Some decoders fill what is cut off with grey and say nothing.
    """
    if b"\xff\xd9" not in stream[-3:]:
        raise Refused(
            "The compressed pixel data are cut off: their closing marker is missing. "
            "Send the file again from its source."
        )


def check_rle(stream: bytes, *, rows: int, columns: int, bytes_per_pixel: int) -> None:
    """Raise `Refused` unless the RLE segments decode to exactly rows × columns bytes each (one byte of padding
    allowed).

    Nothing is decoded: only the runs' lengths are added up, and no further than the image's size.
    """
    if len(stream) < 64:
        raise Refused(
            f"The RLE data have {len(stream)} bytes, less than their header. Send the file again from its source."
        )
    count, *offsets = struct.unpack_from("<16I", stream)
    if count != bytes_per_pixel:
        raise Refused(
            f"The RLE header states {count} segments, but the pixels need {bytes_per_pixel}. "
            "Send the file again, uncompressed."
        )
    ends = [*offsets[1:count], len(stream)]
    for start, end in zip(offsets[:count], ends, strict=True):
        if not 64 <= start < end <= len(stream):
            raise Refused("The RLE header's offsets lie outside the data. Send the file again, uncompressed.")
        decoded = _rle_length(stream, start, end, rows * columns)
        if decoded != rows * columns:
            found = f"at least {decoded}" if decoded > rows * columns else str(decoded)
            raise Refused(
                f"An RLE segment decodes to {found} bytes, Rows × Columns is {rows * columns}. "
                "Send the file again, uncompressed."
            )


def _rle_length(stream: bytes, start: int, end: int, wanted: int) -> int:
    at, total = start, 0
    while at < end and total < wanted:
        code = stream[at]
        if code < 128:  # code + 1 bytes follow literally
            at += code + 2
            total += code + 1
            if at > end:
                total -= at - end  # cut off
        elif code > 128:  # the next byte, 257 - code times
            at += 2
            total += 257 - code if at <= end else 0
        else:
            at += 1
    # What is left may be padding to an even length, or no-ops; another run means that the header lies.
    rest = stream[at:end].lstrip(b"\x80")
    return total + len(rest) if len(rest) > 1 or rest.strip(b"\0") else total
