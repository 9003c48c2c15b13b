"""First elements of a DICOM file, up to StudyInstanceUID, from its first bytes.

They are enough to accept an object before its pixels have come. Elements come in the order of their tags (PS3.5
section 7.1), so that the person, the study and the object's class are in the first few kilobytes. Nothing behind is
read. File meta is checked first, for a Deflated file would inflate.
"""

from __future__ import annotations

import io
from typing import Final

from pydicom import config, uid
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from unseen.data.decoder_protocol import Refused
from unseen.data.dicom_file_meta import file_meta

config.settings.reading_validation_mode = config.IGNORE  # a warning would write a header's values into the log

LEADING_BYTES: Final = 2**20
"""More than stands before StudyInstanceUID, with long sequences of references."""
_LAST: Final = 0x0020000D


class SyntaxRefusedError(Refused):
    """The transfer syntax is not taken."""


def leading_header(data: bytes) -> Dataset:
    """Read the elements up to StudyInstanceUID from the first bytes of a DICOM file.

    Args:
        data: the first `LEADING_BYTES` bytes of the file, or the whole file if it is shorter.

    Returns:
        The elements, without the file meta information.

    Raises:
        SyntaxRefusedError: the transfer syntax is Deflated or unknown.
        Refused: the bytes are no DICOM file, or the header cannot be parsed.

    Example:
        >>> leading_header(b"GIF89a")
        Traceback (most recent call last):
        ...
        unseen.data.decoder_protocol.Refused: This is no DICOM file: it has no preamble (PS3.10, 7.1). Send a
        DICOM file.
    """
    if data[128:132] != b"DICM":
        raise Refused("This is no DICOM file: it has no preamble (PS3.10, 7.1). Send a DICOM file.")
    meta = file_meta(data)
    syntax = uid.UID(meta.syntax)
    if syntax not in uid.AllTransferSyntaxes or syntax.is_deflated:
        raise SyntaxRefusedError(
            "The transfer syntax is Deflated or unknown, which is not taken. Send the object as Explicit VR Little "
            "Endian."
        )
    try:
        return read_dataset(
            io.BytesIO(data[meta.end :]),
            is_implicit_VR=syntax.is_implicit_VR,
            is_little_endian=syntax.is_little_endian,
            stop_when=lambda tag, vr, length: tag > _LAST,
        )
    except Exception as error:  # the edge: damaged bytes make pydicom raise nearly anything
        raise Refused("The DICOM file's header cannot be parsed. Send it again from its source.") from error
