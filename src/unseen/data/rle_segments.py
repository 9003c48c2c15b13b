"""Check of RLE segments before they are decoded: DICOM PS3.5 annex G.5."""

import struct

from unseen.data.decoder_protocol import Refused


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
