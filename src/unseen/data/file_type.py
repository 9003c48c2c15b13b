"""Type of a file by its first bytes."""

from typing import Literal

from unseen.data.decoder_protocol import Refused

Kind = Literal["png", "jpeg", "webp", "dicom", "bare dicom"]


_META_VRS = (b"UL", b"OB", b"UI", b"SH", b"AE")  # of the elements that file meta can begin with

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
    """Return the format that `data` begins with.

    "bare dicom" is DICOM without the preamble, which `dicom.py` looks at more closely.

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
    if data[:2] == b"\x08\0" or data[:4] == b"DICM" or (data[:2] == b"\x02\0" and data[4:6] in _META_VRS):
        return "bare dicom"  # group 0008 in little endian, or file meta
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
    if data[:2] == b"\0\x08":
        return "perhaps DICOM in big endian without its preamble"
    return f"none of the known formats (it begins with {data[:8].hex(' ')})"
