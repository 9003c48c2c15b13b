"""How a DICOM film asks to be shown: its windows, VOI LUTs, what its spacing measures, its frames; and its elements.

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

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

    from unseen.data.dicom_header import DicomHeader

MOST = 8
"""Windows or LUTs of a film that are offered."""
PERSONAL = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "AccessionNumber", "StudyDate")
"""What a page may show of the patient and the study, by the site's setting."""
_ELEMENTS = 600
_LONG = 200  # characters of an element's value
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")

Json = Any  # what JSON holds, of keys that the docstring names


def display_of(ds: Dataset, header: DicomHeader) -> dict[str, Json]:
    """Of a film: `windows`, `luts`, `spacing`, `frames`, `modality`, `personal`.

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
        "personal": {keyword: text for keyword in PERSONAL if (text := _text(ds, keyword))},
    }


def elements_of(ds: Dataset) -> list[list[str]]:
    """Every element but the pixels: tag, name, VR and value, as text; sequences item by item, 600 lines at most."""
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
    found = []
    for place, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if not (math.isfinite(centre) and math.isfinite(width) and width >= 1):
            continue
        name = names[place] if place < len(names) and names[place] else f"Window {place + 1}"
        own_width = width / abs(header.slope)
        found.append(
            {"name": name, "centre": _sample(centre, header), "width": max(1.0, own_width), "function": function}
        )
    return found[:MOST]


def _sample(value: float, header: DicomHeader) -> float:
    """A value of the film in the units of its samples. Turned over, LINEAR's half steps are on the other side."""
    low, high = header.nominal
    stored = (value - header.intercept) / header.slope
    return high - stored + 1 if (header.slope < 0) != header.inverted else stored - low


def _luts(ds: Dataset, header: DicomHeader) -> list[dict[str, Json]]:
    """VOI LUTs over the samples. A LUT is stored for values of the film, which must be whole numbers of samples."""
    if abs(header.slope) != 1 or header.intercept != int(header.intercept):
        return []
    try:
        items = list(ds.get("VOILUTSequence") or [])
    except Exception:  # as above
        return []
    found = []
    for place, item in enumerate(items[:MOST]):
        descriptor, data = _numbers(item, "LUTDescriptor"), _lut_data(item)
        if len(descriptor) != 3 or data is None:
            continue
        entries, first, bits = int(descriptor[0]) or 65536, int(descriptor[1]), int(descriptor[2])
        if len(data) != entries or not 1 <= bits <= 16:
            continue
        if first > 32767 and header.signed:
            first -= 65536
        start = (first - header.intercept) / header.slope
        turned = (header.slope < 0) != header.inverted
        low, high = header.nominal
        if turned:
            data, start = (2**bits - 1) - data[::-1], high - (start + entries - 1)
        else:
            start -= low
        found.append(
            {
                "name": _text(item, "LUTExplanation") or f"LUT {place + 1}",
                "first": int(start),
                "bits": bits,
                "values": base64.b64encode(data.astype("<u2").tobytes()).decode(),
            }
        )
    return found


def _lut_data(item: Dataset) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]] | None:
    try:
        value = item.LUTData
        if isinstance(value, bytes):
            return np.frombuffer(value, "<u2").astype(np.int64)
        return np.asarray(value, dtype=np.int64).reshape(-1)
    except Exception:  # as above
        return None


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
