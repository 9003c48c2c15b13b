"""Display settings of a DICOM film: windows, VOI LUTs, meaning of its spacing, frames; and its elements.

Hints for whoever looks, never a reason to refuse a film: what cannot be parsed is left out. Windows and LUTs are given
in the units of `DecodedImage.pixels` (white = dense, 0 to 2**bits − 1), so that a page applies them to what it has:

    sample = (value − intercept)/slope − low,  or  high − (value − intercept)/slope  where the film is shown inverted

Source: DICOM PS3.3 C.11.2 (VOI LUT), C.8.7.1.1.3 and 10.7.1.3 (what pixel spacing measures).
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from unseen.data.decoder_protocol import Refused
from unseen.data.dicom_header import attribute_values
from unseen.data.lookup_table import lookup_table

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

    from unseen.data.dicom_header import DicomHeader
    from unseen.data.lookup_table import LookupTable

MOST = 8
"""Windows or LUTs of a film that are offered."""
PERSONAL = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "AccessionNumber", "StudyDate",
    "StudyTime",
)  # fmt: skip
"""Attributes of patient and study that a page may show or sort by, by the site's setting."""
_ELEMENTS = 600
_LONG = 200  # characters of an element's value
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")

Json = Any  # what JSON holds, of keys that the docstring names


def display_of(ds: Dataset, header: DicomHeader) -> dict[str, Json]:
    """Return a film's display settings: `windows`, `luts`, `spacing`, `frames`, `modality`, `personal`.

    windows   [{name, centre, width, function}]; luts [{name, first, bits, values}], values in base64, uint16
    spacing   "calibrated" at the patient, "detector" at the detector's plane (bodies are drawn larger), "" unknown
    modality  {slope, intercept, low, high, inverted}: from a sample back to the film's own value
    personal  patient and study as the header has them; names and numbers of people
    """
    return {
        "windows": _windows(ds, header),
        "luts": _luts(ds, header),
        "spacing": _spacing_kind(ds) if header.spacing_mm is not None else "",
        "frames": header.frames,
        "modality": {
            "slope": header.slope,
            "intercept": header.intercept,
            "low": header.nominal[0],
            "high": header.nominal[1],
            "inverted": (header.slope < 0) != header.inverted,
        },
        "personal": personal_values(ds),
    }


def personal_values(ds: Dataset) -> dict[str, str]:
    """Return the values of `PERSONAL` in a data set by keyword, as text.

    Several values of one element are joined by backslashes, as in the file. Elements that are missing or empty or
    cannot be parsed are left out.

    Example:
        >>> from pydicom.dataset import Dataset
        >>> ds = Dataset()
        >>> ds.PatientID, ds.PatientAge = "4711", ""
        >>> personal_values(ds)
        {'PatientID': '4711'}
    """
    return {keyword: text for keyword in PERSONAL if (text := _text(ds, keyword))}


def elements_of(ds: Dataset) -> list[list[str]]:
    """Return every element but the pixels: tag, name, VR and value, as text.

    Sequences are listed item by item, 600 lines at most.
    """
    found: list[list[str]] = []
    _walk(ds, "", found)
    return found


def _walk(ds: Dataset, indent: str, found: list[list[str]]) -> None:
    for tag in sorted(ds.keys()):
        if len(found) >= _ELEMENTS:
            return
        try:
            element: DataElement = ds[tag]
            value = element.value
        except Exception as error:  # pydicom parses on access, and garbage raises anything
            found.append([f"{indent}{tag}", "", "", f"cannot be parsed ({type(error).__name__})"])
            continue
        if element.VR == "SQ":
            found.append([f"{indent}{element.tag}", str(element.name), "SQ", f"{len(value)} items"])
            for item in value:
                _walk(item, f"{indent}> ", found)
            continue
        binary = element.VR in ("OB", "OW", "OF", "OD", "OL", "OV", "UN")
        text = f"{len(value or b'')} bytes" if binary else str(value)[:_LONG]
        found.append([f"{indent}{element.tag}", str(element.name), str(element.VR), text])


def _windows(ds: Dataset, header: DicomHeader) -> list[dict[str, Json]]:
    centres, widths = _numbers(ds, "WindowCenter"), _numbers(ds, "WindowWidth")
    names = _texts(ds, "WindowCenterWidthExplanation")
    function = _text(ds, "VOILUTFunction") or "LINEAR"
    if function not in _FUNCTIONS:
        function = "LINEAR"
    half = (
        0.5 if function == "LINEAR" else 0.0
    )  # C.11.2.1.2: LINEAR goes from c − 0.5 − (w − 1)/2 to c − 0.5 + (w − 1)/2
    found = []
    for place, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if not (math.isfinite(centre) and math.isfinite(width) and width >= 1):
            continue
        name = names[place] if place < len(names) and names[place] else f"Window {place + 1}"
        own_width = (width - 2 * half) / abs(header.slope) + 2 * half
        own_centre = _sample(centre - half, header) + half
        found.append({"name": name, "centre": own_centre, "width": max(1.0, own_width), "function": function})
    return found[:MOST]


def _sample(value: float, header: DicomHeader) -> float:
    """Return a value of the film in the units of its samples."""
    low, high = header.nominal
    stored = (value - header.intercept) / header.slope
    return high - stored if (header.slope < 0) != header.inverted else stored - low


def _luts(ds: Dataset, header: DicomHeader) -> list[dict[str, Json]]:
    """VOI LUTs over the samples. Of MONOCHROME1, the output is inverted, as the samples are."""
    try:
        items = list(ds.get("VOILUTSequence") or [])
    except Exception:  # as above
        return []
    found = []
    for place, item in enumerate(items[:MOST]):
        table = lookup_table(item, signed=header.signed or header.intercept < 0)
        if table is None:
            continue
        first, entries = _over_samples(table, header)
        if header.inverted:
            entries = (2**table.bits - 1) - entries
        found.append(
            {
                "name": _text(item, "LUTExplanation") or f"LUT {place + 1}",
                "first": first,
                "bits": table.bits,
                "values": base64.b64encode(entries.astype("<u2").tobytes()).decode(),
            }
        )
    return found


def _over_samples(table: LookupTable, header: DicomHeader) -> tuple[int, NDArray[np.int64]]:
    """Return the table's first sample and its entries in the order of the samples: one for each sample where a step of
    the samples is no step of the film's values.
    """
    low, high = header.nominal
    if abs(header.slope) == 1 and header.intercept == int(header.intercept):
        ends = [int(_sample(table.first + place, header)) for place in (0, len(table.entries) - 1)]
        return min(ends), table.entries[:: -1 if ends[0] > ends[1] else 1]
    stored = np.arange(low, high + 1)
    values = np.rint(header.slope * stored + header.intercept).astype(np.int64)
    turned = (header.slope < 0) != header.inverted
    return 0, table(values[::-1] if turned else values)


def _spacing_kind(ds: Dataset) -> str:
    """Pixel Spacing is calibrated unless it repeats Imager Pixel Spacing, which is the detector's (10.7.1.3)."""
    own, imager = _numbers(ds, "PixelSpacing"), _numbers(ds, "ImagerPixelSpacing")
    if len(own) != 2:
        return "detector"
    if _text(ds, "PixelSpacingCalibrationType"):
        return "calibrated"
    return "detector" if len(imager) == 2 and own == imager else "calibrated"


def _numbers(ds: Dataset, keyword: str) -> list[float]:
    found = []
    for text in _texts(ds, keyword):
        try:
            found.append(float(text))
        except ValueError:
            found.append(math.nan)
    return found


def _texts(ds: Dataset, keyword: str) -> list[str]:
    try:
        return [str(value).strip()[:_LONG] for value in attribute_values(ds, keyword)]
    except Refused:
        return []


def _text(ds: Dataset, keyword: str) -> str:
    return "\\".join(_texts(ds, keyword))[:_LONG]
