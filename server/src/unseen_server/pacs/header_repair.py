"""A film's header as results need it: text in UTF-8, one value where one is meant, nothing that is no date or age.

`repaired` makes a new data set and leaves the film's own as it is. What cannot be used is left empty, never guessed:
the film still has its own header, and the Study Instance UID joins the two. Section numbers are those of PS3.3 (2025),
of value representations PS3.5, 6.2.
"""

from __future__ import annotations

import logging
import math
import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom import config
from pydicom.charset import python_encoding
from pydicom.dataset import Dataset

from unseen.artifacts import UserError
from unseen.data import Refused, attribute_values
from unseen_server.service.dicom_dates import dicom_date, dicom_time, dicom_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("unseen")
config.settings.reading_validation_mode = config.IGNORE  # pydicom would write the values that it finds odd to the log

UTF8: Final = "ISO_IR 192"
CHEST: Final = "CHEST"
_ASCII: Final = frozenset({"ISO_IR 6", "ISO 2022 IR 6"})
_LONG, _SHORT = 64, 16  # characters of LO and SH
_PARTS, _GROUPS = 5, 3  # of a PN: components; alphabetic, ideographic, phonetic


class HeaderError(UserError, ValueError):
    """A film to which no result can refer: it lacks a UID. The message names the attribute."""


def repaired(header: Dataset) -> Dataset:
    """Return the attributes of patient, study and image that result objects take over, each as the standard has it.

    Type 2 attributes are there and may be empty: PatientName, PatientID, PatientBirthDate, PatientSex, StudyDate,
    StudyTime, StudyID, AccessionNumber, ReferringPhysicianName. Text is decoded by the character set that the header
    names and will be written as UTF-8. An Accession Number or Study ID of more than 16 characters is left empty: cut,
    it would be another order's.

    Raises:
        HeaderError: no SOP Class, SOP Instance, Study or Series Instance UID, or no size in pixels.

    >>> film = Dataset()
    >>> film.SOPClassUID, film.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3.4"
    >>> film.StudyInstanceUID, film.SeriesInstanceUID, film.Rows, film.Columns = "1.2.3", "1.2.3.1", 40, 48
    >>> film.PatientSex, film.PatientName = "female", "Phantom"
    >>> usable = repaired(film)
    >>> usable.PatientSex, usable.PatientID, str(usable.PatientName), usable.SpecificCharacterSet
    ('F', '', 'Phantom', 'ISO_IR 192')
    """
    found = Dataset()
    found.SpecificCharacterSet = UTF8
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(found, keyword, _uid(header, keyword))
    for keyword in ("Rows", "Columns"):
        setattr(found, keyword, _size(header, keyword))
    for keyword, usable in _REQUIRED.items():
        setattr(found, keyword, usable(_first(header, keyword)))
    for keyword, usable in _OPTIONAL.items():
        if value := usable(_first(header, keyword)):
            setattr(found, keyword, value)
    found.BodyPartExamined = found.get("BodyPartExamined") or CHEST
    if spacing := _pair(header, "PixelSpacing") or _pair(header, "ImagerPixelSpacing"):
        found.PixelSpacing = spacing
    if len(orientation := [_orientation(value) for value in _texts(header, "PatientOrientation")]) == 2:
        found.PatientOrientation = orientation if all(orientation) else None
    _add_grey_scale(header, found)
    return found


def _add_grey_scale(header: Dataset, found: Dataset) -> None:
    """Copy the grey scale of its film to a presentation state: rescale, window, polarity (C.11.1, C.11.2,
    C.7.6.3.1.2).
    """
    inverted = _first(header, "PhotometricInterpretation") == "MONOCHROME1"
    found.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    found.SamplesPerPixel = 1
    slope, intercept = _number(_first(header, "RescaleSlope")), _number(_first(header, "RescaleIntercept"))
    if slope and intercept is not None:
        found.RescaleSlope, found.RescaleIntercept = _decimal(slope), _decimal(intercept)
        found.RescaleType = _short(_first(header, "RescaleType")) or "US"
    centre, width = _number(_first(header, "WindowCenter")), _number(_first(header, "WindowWidth"))
    if centre is not None and width is not None and width >= 1:
        found.WindowCenter, found.WindowWidth = _decimal(centre), _decimal(width)
        function = _code(_first(header, "VOILUTFunction"))
        if function in ("LINEAR_EXACT", "SIGMOID"):
            found.VOILUTFunction = function
    elif curve := _voi_lut(header):
        found.VOILUTSequence = [curve]


def _voi_lut(header: Dataset) -> Dataset | None:
    """Return the film's first VOI LUT, where its descriptor and its data agree (C.11.2.1.1), spread over the 16 bits
    that presentation states want.
    """
    try:
        first = header.VOILUTSequence[0]
        entries, start, bits = (int(value) for value in first.LUTDescriptor)
        stored = first.LUTData
        values = np.frombuffer(stored, "<u2") if isinstance(stored, bytes) else np.asarray(stored, "<u2")
    except Exception as error:  # pydicom parses on access, and garbage raises anything
        _log.debug("pacs.voi_lut_not_used why=%s", type(error).__name__)
        return None
    if len(values) != (entries or 2**16) or not 8 <= bits <= 16:
        return None
    spread = np.rint(np.minimum(values / (2**bits - 1), 1) * (2**16 - 1)).astype("<u2")
    curve = Dataset()
    curve.add_new("LUTDescriptor", "SS" if start < 0 else "US", [entries, start, 16])
    curve.add_new("LUTData", "OW", spread.tobytes())
    return curve


def _texts(header: Dataset, keyword: str) -> list[str]:
    """Return every value as text without control characters.

    Returns None where the attribute is missing or cannot be parsed.
    """
    try:
        values = attribute_values(header, keyword)
    except Refused:
        return []
    declared = header.get("SpecificCharacterSet") or ""
    names = set(filter(None, [declared] if isinstance(declared, str) else declared))
    known = not names <= _ASCII and names <= set(python_encoding)
    return [_printable(str(value) if known else _as_utf8(str(value))) for value in values]


def _first(header: Dataset, keyword: str) -> str:
    """Return the first value that is not empty."""
    return next(filter(None, _texts(header, keyword)), "")


def _as_utf8(text: str) -> str:
    """Text whose character set the header does not name, or names wrongly, was read as Latin-1: here as UTF-8 where its
    bytes are that, which Latin-1 text hardly ever is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _printable(text: str) -> str:
    kept = "".join(" " if unicodedata.category(sign) in ("Cc", "Cs") or sign == "\\" else sign for sign in text)
    return kept.strip()


def _name(text: str) -> str:
    """PN: three groups at most, of five components and 64 characters at most."""
    groups = [
        "^".join(part.strip() for part in group.split("^")[:_PARTS])[:_LONG].strip(" ^")
        for group in text.split("=")[:_GROUPS]
    ]
    return "=".join(groups).rstrip("=")


def _long(text: str) -> str:
    return text[:_LONG].strip()


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else ""


def _code(text: str) -> str:
    """CS: capitals, digits, space and underscore."""
    text = text.upper()
    return text if re.fullmatch(r"[A-Z0-9_ ]{1,16}", text) else ""


def _date(text: str) -> str:
    """DA: YYYYMMDD; the points or dashes of older systems are taken out."""
    day = dicom_date(text)
    return "" if day is None else day.isoformat().replace("-", "")


def _zone(text: str) -> str:
    """SH: the offset of the header's own dates and times, ±HHMM."""
    return "" if dicom_zone(text) is None else text


def _sex(text: str) -> str:
    return {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F", "O": "O", "OTHER": "O"}.get(text.upper(), "")


def _age(text: str) -> str:
    """AS: three digits and D, W, M or Y. A number without unit is left out: it may be months."""
    age = re.fullmatch(r"(\d{1,3})([DWMY])", text.upper())
    return f"{age[1]:0>3}{age[2]}" if age else ""


def _laterality(text: str) -> str:
    return text if text in ("L", "R", "B", "U") else ""


def _orientation(text: str) -> str:
    return text if re.fullmatch(r"[ALRPHF]{1,3}", text) else ""


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _decimal(value: float) -> str:
    """DS: 16 characters at most.

    >>> _decimal(2048.0), _decimal(-1 / 3 * 1e-5), _decimal(0.1432521)
    ('2048', '-3.33333333e-06', '0.1432521')
    """
    return f"{value:.9g}"


def _pair(header: Dataset, keyword: str) -> list[str]:
    numbers = [_number(text) for text in _texts(header, keyword)]
    usable = len(numbers) == 2 and all(number is not None and number > 0 for number in numbers)
    return [_decimal(number) for number in numbers if number is not None] if usable else []


def _size(header: Dataset, keyword: str) -> int:
    value = _number(_first(header, keyword))
    if value is None or not 1 <= value < 2**16 or value != int(value):
        raise HeaderError(f"The film's {keyword} is missing or no size, so no place on it can be named. Send it again.")
    return int(value)


def _uid(header: Dataset, keyword: str) -> str:
    text = _first(header, keyword).rstrip("\0 ")
    if not re.fullmatch(r"[0-9.]{1,64}", text):
        raise HeaderError(f"The film's {keyword} is missing or no UID, so no result can refer to it. Send it again.")
    return text


_REQUIRED: Final[Mapping[str, Callable[[str], str]]] = {
    "PatientName": _name,
    "PatientID": _long,
    "PatientBirthDate": _date,
    "PatientSex": _sex,
    "StudyDate": _date,
    "StudyTime": dicom_time,
    "StudyID": _short,
    "AccessionNumber": _short,
    "ReferringPhysicianName": _name,
}
"""Type 2 in the modules Patient (C.7.1.1) and General Study (C.7.2.1)."""
_OPTIONAL: Final[Mapping[str, Callable[[str], str]]] = {
    "IssuerOfPatientID": _long,
    "PatientAge": _age,
    "StudyDescription": _long,
    "BodyPartExamined": _code,
    "Laterality": _laterality,
    "Manufacturer": _long,
    "ManufacturerModelName": _long,
    "InstitutionName": _long,
    "StationName": _short,
    "TimezoneOffsetFromUTC": _zone,
}
