"""Header of a DICOM file, which decides whether the file is a film: a pure function from a data set to `DicomHeader`.

Other files are refused. Accepted: CR and DX For Presentation, one frame, one sample, MONOCHROME1 or 2, 8 to 16 bits
stored. Section numbers are those of the DICOM standard, PS3.3 (2025).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from unseen.data.decoder_protocol import DecoderLimits, Refused
from unseen.data.lookup_table import LookupTable, lookup_table
from unseen.data.patient_age import FILM_DATES, age_from_dates, is_age

config.settings.reading_validation_mode = config.IGNORE  # a warning would write a header's values into the log

CR = "1.2.840.10008.5.1.4.1.1.1"
DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
FILM_CLASSES = (CR, DX_FOR_PRESENTATION)
"""UIDs of the SOP classes that are read as films: CR, and DX For Presentation."""
_MOST_FRAMES = 64
_FEWEST_BITS = 8  # of a film
TAGS = (
    "Modality",
    "BodyPartExamined",
    "PatientAge",
    "PatientSex",
    "SeriesNumber",
    "InstanceNumber",
    "Manufacturer",
    "ManufacturerModelName",
    "DetectorID",
    "StationName",
    "InstitutionName",
    "BurnedInAnnotation",
)
"""Attributes of a film's origin that are kept: device and body part, nothing that names the patient."""
IDENTIFYING_KEYWORDS = (
    "PatientID",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "AccessionNumber",
    "StudyDate",
)
"""Attributes that join a film to its study and patient; never logged, never reported."""
_LONGEST = 65_534  # characters of an identifier: the length of an LO with explicit VR has 16 bits


@dataclass(frozen=True, kw_only=True, slots=True)
class DicomHeader:
    """Values of the header that decoding needs.

    `padding` is the inclusive range of stored values that are no image, or None. `slope` and `intercept` are the
    modality transformation (C.11.1), or `modality_lut` is; `inverted` is MONOCHROME1 (C.7.6.3.1.2).
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    inverted: bool
    slope: float
    intercept: float
    padding: tuple[int, int] | None
    spacing_mm: float | None
    view_position: str | None
    patient_orientation: str | None
    tags: dict[str, str]
    identifiers: dict[str, str]
    frames: int = 1
    modality_lut: LookupTable | None = None

    def after_modality_lut(self) -> DicomHeader:
        """Return the header of the film once its Modality LUT is applied; itself without one."""
        if self.modality_lut is None:
            return self
        bits = self.modality_lut.bits
        return replace(self, bits_stored=bits, signed=False, slope=1.0, intercept=0.0, modality_lut=None)

    @property
    def nominal(self) -> tuple[int, int]:
        """The lowest and highest value that `bits_stored` bits can hold."""
        half = 2 ** (self.bits_stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)


def check_class(uid: str) -> None:
    """Raise `Refused` unless `uid` is the SOP class of a film.

    >>> check_class("1.2.840.10008.5.1.4.1.1.7")
    Traceback (most recent call last):
    ...
    unseen.data.decoder_protocol.Refused: The DICOM object is a 'Secondary Capture Image Storage', not a film. Send the
    CR or DX (for presentation) image.
    """
    if uid in FILM_CLASSES:
        return
    if uid == f"{DX_FOR_PRESENTATION}.1":
        raise Refused(
            "The DICOM object is a DX image For Processing, whose grey values are not for viewing. "
            "Send the one For Presentation."
        )
    seen = uid_name(uid) if uid else "object without SOP class"
    raise Refused(f"The DICOM object is a {seen!r}, not a film. Send the CR or DX (for presentation) image.")


def uid_name(uid: str) -> str:
    """Return the name of a UID that the DICOM standard registers, or the UID itself.

    A value that is no UID is never shown, because a damaged length can make it contain the patient's name.

    Args:
        uid: the UID, up to 64 digits and dots.

    Returns:
        The name; the UID if it has none; "damaged UID" if it is no UID.

    Example:
        >>> uid_name("1.2.840.10008.1.2"), uid_name("1.2.3"), uid_name("1.2.840.10008 Doe^Jane")
        ('Implicit VR Little Endian', '1.2.3', 'damaged UID')
    """
    return UID(uid).name if re.fullmatch(r"[0-9.]{1,64}", uid) else "damaged UID"  # PS3.5, 9.1


def read_header(ds: Dataset, *, limits: DecoderLimits, frame: int | None = None) -> DicomHeader:
    """Return the header of a film, every guard passed.

    Args:
        frame: which of several frames is wanted, for looking at; None: a film has one, and several are refused.

    Raises:
        Refused: with the attribute, its value and the accepted values.
    """
    check_class(_text(ds, "SOPClassUID") or "")
    if "PixelData" not in ds:
        hidden = ": its attributes are encrypted" if "EncryptedAttributesSequence" in ds else ""
        raise Refused(f"The DICOM object has no Pixel Data{hidden}. Send the image itself, decrypted.")
    if (intent := _text(ds, "PresentationIntentType")) not in (None, "FOR PRESENTATION"):
        raise Refused(f"Presentation Intent Type is {intent!r}. Send the image For Presentation.")
    most = (1,) if frame is None else range(frame + 1, _MOST_FRAMES + 1)
    frames = _expect(ds, "NumberOfFrames", most, missing=1, advice="Send each film by itself.")
    _expect(ds, "SamplesPerPixel", (1,), missing=1, advice="Send the grey film, not a colour image of it.")
    rows, columns = _whole(ds, "Rows"), _whole(ds, "Columns")
    limits.check_size(width=columns, height=rows)
    allocated = _expect(ds, "BitsAllocated", (8, 16), advice="Export the film with 8 or 16 bits allocated.")
    stored = _expect(ds, "BitsStored", range(8, allocated + 1), advice="Export the film with 8 to 16 bits stored.")
    _expect(
        ds, "HighBit", (stored - 1,), missing=stored - 1, advice="Export the film again: the pixels would be misread."
    )
    signed = _expect(ds, "PixelRepresentation", (0, 1), missing=0, advice="Export the film again.") == 1
    slope = _number(ds, "RescaleSlope", 1.0)
    intercept = _number(ds, "RescaleIntercept", 0.0)
    if slope == 0:
        raise Refused("Rescale Slope is 0, which makes every pixel the same. Export the film again.")
    modality_lut = _modality_lut(ds, signed=signed)
    return DicomHeader(
        rows=rows,
        columns=columns,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=signed,
        inverted=_is_inverted(ds),
        slope=slope if modality_lut is None else 1.0,
        intercept=intercept if modality_lut is None else 0.0,
        padding=_padding(ds),
        spacing_mm=_spacing(ds),
        view_position=_text(ds, "ViewPosition"),
        patient_orientation=_text(ds, "PatientOrientation"),
        tags=_tags(ds),
        identifiers=_kept(ds, IDENTIFYING_KEYWORDS, whole=True),
        frames=frames,
        modality_lut=modality_lut,
    )


def _tags(ds: Dataset) -> dict[str, str]:
    """Return the film's origin. PatientAge is computed from the dates where it is missing or no age."""
    tags = _kept(ds, TAGS)
    if not is_age(tags.get("PatientAge", "")):
        dates = _kept(ds, ("PatientBirthDate", *FILM_DATES))
        age = age_from_dates(dates.get("PatientBirthDate", ""), [dates.get(keyword, "") for keyword in FILM_DATES])
        if age is not None:
            tags["PatientAge"] = age
    return tags


def _kept(ds: Dataset, keywords: tuple[str, ...], *, whole: bool = False) -> dict[str, str]:
    """Return the attributes that are there and can be parsed.

    They are hints, so nonsense is left out and no reason to refuse.

    Args:
        ds: the data set.
        keywords: of the attributes.
        whole: do not shorten long texts: two patients may have numbers that differ in the last character alone.

    Raises:
        Refused: a text that is whole and longer than any with an explicit VR.
    """
    found = {}
    for keyword in keywords:
        try:
            text = _whole_text(ds, keyword) if whole else _text(ds, keyword)
        except Refused:
            continue
        if text and len(text) > _LONGEST:
            raise Refused(f"{keyword} has {len(text):,} characters, the limit is {_LONGEST:,}. Correct the header.")
        if text:
            found[keyword] = text
    return found


def _is_inverted(ds: Dataset) -> bool:
    photometric = _text(ds, "PhotometricInterpretation")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise Refused(f"Photometric Interpretation is {photometric!r}. Send the grey film: MONOCHROME1 or MONOCHROME2.")
    shape = _text(ds, "PresentationLUTShape")
    if photometric == "MONOCHROME2" and shape == "INVERSE":  # C.8.11.3.1.2: INVERSE goes with MONOCHROME1 alone
        raise Refused(
            "The header contradicts itself: MONOCHROME2 with Presentation LUT Shape INVERSE. Export the film again."
        )
    return photometric == "MONOCHROME1"


def _padding(ds: Dataset) -> tuple[int, int] | None:
    """C.7.5.1.1.2: one value, or the range between two in either order; None where the value is missing or empty."""
    if not attribute_values(ds, "PixelPaddingValue"):
        return None
    first = _whole(ds, "PixelPaddingValue")
    last = _whole(ds, "PixelPaddingRangeLimit") if attribute_values(ds, "PixelPaddingRangeLimit") else first
    return min(first, last), max(first, last)


def _modality_lut(ds: Dataset, *, signed: bool) -> LookupTable | None:
    """C.11.1.1: the table of a Modality LUT Sequence, of 8 to 16 bits; None without one."""
    try:
        items = list(ds.get("ModalityLUTSequence") or [])
    except Exception:  # the edge: pydicom parses on access, and garbage raises anything
        items = [Dataset()]
    if not items:
        return None
    table = lookup_table(items[0], signed=signed)
    if table is None or table.bits < _FEWEST_BITS:
        raise Refused(
            "The film has a Modality LUT Sequence that cannot be read: its table contradicts its descriptor, or has "
            f"fewer than {_FEWEST_BITS} bits. Export it with Rescale Slope and Intercept."
        )
    return table


def _spacing(ds: Dataset) -> float | None:
    """Pixel Spacing (calibrated), else Imager Pixel Spacing; a hint, so nonsense is None and no reason to refuse."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        try:
            down, across = (float(str(value)) for value in attribute_values(ds, keyword))
        except (Refused, ValueError):
            continue
        if math.isfinite(down) and math.isfinite(across) and down > 0 and abs(down - across) <= 0.01 * down:
            return down
    return None


def attribute_values(ds: Dataset, keyword: str) -> list[object]:
    """Return the values of a DICOM attribute.

    Args:
        ds: the data set.
        keyword: the attribute's keyword, such as "ImagerPixelSpacing".

    Returns:
        All values, in order; an empty list if the attribute is missing or empty.

    Raises:
        Refused: the value cannot be parsed.

    Example:
        >>> ds = Dataset()
        >>> ds.PatientOrientation = ["L", "F"]
        >>> attribute_values(ds, "PatientOrientation"), attribute_values(ds, "StationName")
        (['L', 'F'], [])
    """
    try:
        value = ds.get(keyword)
    except Exception as error:  # pydicom parses on access, and garbage raises anything from ValueError to struct.error
        raise Refused(f"{keyword} cannot be parsed ({type(error).__name__}). Export the film again.") from error
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


def _text(ds: Dataset, keyword: str) -> str | None:
    return _whole_text(ds, keyword)[:64] or None


def _whole_text(ds: Dataset, keyword: str) -> str:
    return "\\".join(str(value) for value in attribute_values(ds, keyword)).strip()


def _number(ds: Dataset, keyword: str, missing: float) -> float:
    values = attribute_values(ds, keyword) or [missing]
    try:
        value = float(str(values[0]))
    except ValueError:
        value = math.nan
    if len(values) != 1 or not math.isfinite(value):
        raise Refused(f"{keyword} is {_shown(values)}, not a finite number. Export the film again.")
    return value


def _whole(ds: Dataset, keyword: str, missing: int | None = None) -> int:
    if missing is None and not attribute_values(ds, keyword):
        raise Refused(f"{keyword} is missing. Export the film again.")
    value = _number(ds, keyword, missing or 0)
    if value != int(value):
        raise Refused(f"{keyword} is {value!r}, not a whole number. Export the film again.")
    return int(value)


def _expect(
    ds: Dataset, keyword: str, accepted: range | tuple[int, ...], *, advice: str, missing: int | None = None
) -> int:
    value = _whole(ds, keyword, missing)
    if value not in accepted:
        names = (
            f"{accepted[0]} to {accepted[-1]}"
            if isinstance(accepted, range) and len(accepted)
            else " or ".join(map(str, accepted))
        )
        raise Refused(f"{keyword} is {value}, accepted is {names or 'nothing here'}. {advice}")
    return value


def _shown(values: list[object]) -> str:
    return repr("\\".join(map(str, values))[:32])
