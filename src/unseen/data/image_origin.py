"""Origin of a film's pixels, by its DICOM header: an exposure, or an image that was derived from another image.

Vendors also mark ordinary processed films DERIVED\\PRIMARY, so DERIVED alone does not make a film a companion. Only its
relation to another film of the study does (`unseen.screening`). PS3.3, C.7.6.1.1.2 (Image Type), C.7.6.1.1.3 (Source
Image), C.8.7.10 (Irradiation Event UID).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from unseen.data.decoder_protocol import Origin, Refused
from unseen.data.dicom_header import attribute_values

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_WORDS_IN: Final = (
    "DerivationDescription",
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
)
_PROCESSED: Final = re.compile(
    r"\b(BONE|RIB)S? ?(SUPP\w*|REMOV\w*|SUBTR\w*|IMAGE|ONLY|ENHANC\w*)\b|\b(SUPP\w*|REMOV\w*) (BONE|RIB)S?\b"
    r"|\bBONELESS\b|\bSOFT ?TISSUE (IMAGE|ONLY|SUBTR\w*)\b|\bSUBTRACT\w*\b|\bDUAL ENERGY\b"
    r"|\b(LINE|TUBE|CATHETER)S? ENHANC\w*\b|\bHEAT ?MAP\b|\bCAD (RESULT|OVERLAY|MARK\w*)\b"
)
"""Words for content that was changed on purpose. Such an image differs from a model's training films."""
_MOST_RELATED = 16


def origin_of_header(ds: Dataset) -> Origin:
    """Return the origin that a DICOM header states; attributes that cannot be parsed count as missing.

    Args:
        ds: the data set.

    Returns:
        The origin; "original" if Image Type is missing.
    """
    image_type = [value.upper() for value in _values(ds, "ImageType")]
    texts = [*image_type[2:], *(text for keyword in _WORDS_IN for text in _values(ds, keyword))]
    if any(_is_processed(text) for text in texts):
        return "processed"
    if image_type[1:2] == ["SECONDARY"]:
        return "secondary"
    return "derived" if image_type[:1] == ["DERIVED"] else "original"


def related_uids(ds: Dataset) -> list[str]:
    """Return the UIDs that images of one exposure share: those of the image, its exposure and its source images.

    Args:
        ds: the data set.

    Returns:
        SOP Instance UID, Irradiation Event UIDs and the instances of Source Image Sequence, at most 16.
    """
    found = [*_values(ds, "SOPInstanceUID"), *_values(ds, "IrradiationEventUID")]
    try:
        for source in ds.get("SourceImageSequence") or ():
            found += _values(source, "ReferencedSOPInstanceUID")
    except Exception:  # pydicom parses on access, and malformed data can raise any error
        pass
    return list(dict.fromkeys(found))[:_MOST_RELATED]


def _is_processed(text: str) -> bool:
    """Return True if a text names changed content.

    >>> _is_processed("BONE_SUPPRESSED"), _is_processed("Chest PA, bone"), _is_processed("Soft-tissue image")
    (True, False, True)
    """
    return _PROCESSED.search(re.sub(r"[\W_]+", " ", text.upper())) is not None


def _values(ds: Dataset, keyword: str) -> list[str]:
    try:
        return [text for value in attribute_values(ds, keyword) if (text := str(value).strip())]
    except Refused:
        return []
