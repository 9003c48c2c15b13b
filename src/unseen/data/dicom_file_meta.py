"""File meta information (group 0002) of a DICOM file."""

from dataclasses import dataclass

from unseen.data.decoder_protocol import Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMeta:
    """File meta information of a DICOM file: transfer syntax, SOP class ("" where none is named), start of the data."""

    syntax: str
    sop_class: str
    end: int


def file_meta(data: bytes) -> FileMeta:
    """Parse group 0002 of a DICOM file, without touching what follows (PS3.10, 7.1).

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
