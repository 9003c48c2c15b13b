"""Parsers of the size in a compressed image's own header; `dicom` compares it with Rows and Columns.

Every decoder believes the codestream; DICOM's Rows and Columns are next to it. Where the two differ the image comes
out sheared or the process runs out of memory, so they are compared first. J2K: ISO/IEC 15444-1 A.5.1 (SIZ). JPEG: ITU-T
T.81 B.2.2 (SOFn). JPEG-LS: T.87 C.2.2 (SOF55).
"""

import struct
from dataclasses import dataclass

from unseen.data.decoder_protocol import Refused

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
    """Return the SIZ segment of a JPEG 2000 codestream.

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
    """Return the first SOF segment of a JPEG or JPEG-LS codestream.

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
