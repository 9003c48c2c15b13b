"""Headers as archives have them: right, poor, odd and wrong; each is the bytes of a film, read back by pydicom."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any  # values of DICOM attributes are of many types

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import Dataset

from tests.data.making import CR, DX, data_set, ramp, written
from unseen.data.phantoms.dicom_phantoms import Station, as_dicom
from unseen.data.phantoms.sequences import Case, draw_exposed, draw_healthy
from unseen_server.pacs.study_result import FilmResult, StudyResult

ROWS, COLUMNS = 60, 80
FULL: dict[str, Any] = {
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3.1",
    "SOPInstanceUID": "1.2.3.4",
    "PatientID": "p-17",
    "PatientName": "Doe^Jane",
    "PatientBirthDate": "19600131",
    "PatientSex": "F",
    "PatientAge": "066Y",
    "StudyDate": "20261125",
    "StudyTime": "101500",
    "StudyID": "S1",
    "AccessionNumber": "A-1",
    "ReferringPhysicianName": "Roe^Richard",
    "StudyDescription": "Chest PA",
    "Manufacturer": "Acme",
    "StationName": "ROOM1",
    "BodyPartExamined": "CHEST",
    "PatientOrientation": ["L", "F"],
    "ImagerPixelSpacing": ["0.14", "0.14"],
}
EMPTY = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
         "AccessionNumber", "ReferringPhysicianName", "Manufacturer", "BodyPartExamined")  # fmt: skip

# name → attributes that differ from FULL; None removes one
CASES: dict[str, dict[str, Any]] = {
    "full": {},
    "DX": {"sop_class": DX, "PresentationIntentType": "FOR PRESENTATION", "PresentationLUTShape": "IDENTITY",
           "RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "US"},
    "nothing of the patient": dict.fromkeys(FULL) | {name: FULL[name] for name in list(FULL)[:3]},
    **{f"without {name}": {name: None} for name in EMPTY},
    "all empty": dict.fromkeys(EMPTY, ""),
    "two patient IDs": {"PatientID": ["p-17", "p-18"]},
    "first value empty": {"AccessionNumber": ["", "A-2"], "StudyDate": ["", "20261125"]},
    "two names, dates, sexes": {"PatientName": ["Doe^Jane", "Doe^J"], "PatientBirthDate": ["19600131", "19600201"],
                                "PatientSex": ["F", "M"], "StudyTime": ["1015", "1016"]},
    "Japanese, three writings": {"SpecificCharacterSet": ["", "ISO 2022 IR 87"],
                                 "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
    "Japanese, half-width": {"SpecificCharacterSet": ["ISO 2022 IR 13", "ISO 2022 IR 87"],
                             "PatientName": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", "StudyDescription": "胸部"},
    "Cyrillic": {"SpecificCharacterSet": "ISO_IR 144", "PatientName": "Люкceмбypг^Анна", "InstitutionName": "Больница"},
    "Greek": {"SpecificCharacterSet": "ISO_IR 126", "PatientName": "Διονυσιος"},
    "Korean": {"SpecificCharacterSet": ["", "ISO 2022 IR 149"], "PatientName": "Hong^Gildong=洪^吉洞=홍^길동"},
    "Chinese": {"SpecificCharacterSet": "GB18030", "PatientName": "Wang^XiaoDong=王^小东"},
    "Latin-1": {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Änne", "ReferringPhysicianName": "Größe"},
    "UTF-8": {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Łukasz^Żółć", "StudyDescription": "грудь"},
    "age in words": {"PatientAge": "about 60"},
    "age without unit": {"PatientAge": "066"},
    "age too short": {"PatientAge": "66y"},
    "age of nines": {"PatientAge": "99999Y"},
    "birth date in words": {"PatientBirthDate": "January"},
    "birth date of an older edition": {"PatientBirthDate": "1960.01.31"},
    "birth date that is none": {"PatientBirthDate": "19600231", "StudyDate": "00000000"},
    "date range": {"StudyDate": "20260101-20261231", "StudyTime": "0800-1200"},
    "times with colons": {"StudyTime": "10:15:00"},
    "time that is none": {"StudyTime": "256199"},
    "offset from UTC": {"TimezoneOffsetFromUTC": "-0330"},
    "offset that is none": {"TimezoneOffsetFromUTC": "CET"},
    "sex in words": {"PatientSex": "female"},
    "sex unknown": {"PatientSex": "U"},
    "identifiers too long": {"PatientID": "p" * 100, "AccessionNumber": "A" * 40, "StudyID": "S" * 40},
    "name too long": {"PatientName": "Long" * 40 + "^Jane^a^b^c^d^e", "ReferringPhysicianName": "R" * 90},
    "name in four writings": {"PatientName": "a^b=c^d=e^f=g^h"},
    "control characters": {"PatientName": "Doe\t^Jane\n", "StudyDescription": "Chest\x07PA\r\n"},
    "descriptions too long": {"StudyDescription": "Chest " * 30, "Manufacturer": "M" * 90, "StationName": "S" * 30},
    "body part in small letters": {"BodyPartExamined": "Thorax, p.a."},
    "no orientation": {"PatientOrientation": None, "ImagerPixelSpacing": None},
    "wrong orientation and spacing": {"PatientOrientation": ["left", "?"], "ImagerPixelSpacing": ["0", "-1"]},
    "one spacing": {"ImagerPixelSpacing": "0.14"},
    "inverted": {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 4096},
    "several windows": {"WindowCenter": [2000, 1800], "WindowWidth": [4096, 3000],
                        "WindowCenterWidthExplanation": ["NORMAL", "HARD"]},
    "window of no width": {"WindowCenter": "2000", "WindowWidth": "0"},
    "window without width": {"WindowCenter": "2000"},
    "rescaled by a long number": {"RescaleSlope": "0.3333333333", "RescaleIntercept": "-1024.5"},
    "odd laterality": {"Laterality": "left", "PatientComments": "seen\\twice"},
}  # fmt: skip


def header(**different: Any) -> Dataset:
    """Return a film's header as it is read from a file whose attributes are `FULL` but for these."""
    return _read(_film(different))


def headers() -> dict[str, Dataset]:
    """More than fifty headers by name: `CASES`, bytes in a wrong character set, a VOI LUT, and phantoms' own."""
    found = {name: header(**different) for name, different in CASES.items()}
    found["UTF-8 undeclared"] = _swapped("Muller^Jane", "Müll^Jane")
    found["UTF-8 declared by a wrong name"] = _swapped("Muller^Jane", "Müll^Jane", SpecificCharacterSet="UTF8")
    found["no character of its set"] = _swapped("Muller^Jane", "Müll^Jane", SpecificCharacterSet="ISO_IR 6")
    found |= {f"VOI LUT from {first}": header(VOILUTSequence=[voi_lut(first)]) for first in (0, -1024)}
    found["implicit VR"] = _read(_film({}), implicit=True)
    found |= {name: pydicom.dcmread(io.BytesIO(film), stop_before_pixels=True) for name, film in phantoms().items()}
    return found


def voi_lut(first: int) -> Dataset:
    """Return a table of 12 bits, the square of what it is given."""
    table = Dataset()
    table.add_new("LUTDescriptor", "SS" if first < 0 else "US", [4096, first, 12])
    table.add_new("LUTData", "OW", (np.arange(4096) ** 2 // 4096).astype("<u2").tobytes())
    return table


def phantoms() -> dict[str, bytes]:
    """Films that the phantoms write: CR, and DX in MONOCHROME1."""
    case = Case(seed=4, stream="abnormal", index=2, size=128, kind="effusion")
    healthy = draw_healthy(case)
    exposed = draw_exposed(case, healthy)
    stations = (Station(name="North"), Station(name="South", modality="DX", photometric="MONOCHROME1"))
    return {f"phantom {station.modality}": as_dicom(case, healthy, exposed, station) for station in stations}


def pixels() -> NDArray[np.unsignedinteger[Any]]:
    return ramp(ROWS, COLUMNS, bits=12)


def grey() -> NDArray[np.float32]:
    """Return the grey values of `pixels`."""
    return np.divide(pixels(), np.float32(4095), dtype=np.float32)


def anomaly_map() -> NDArray[np.float32]:
    """(15, 20), zero but for a patch whose highest cell is (4, 13)."""
    values = np.zeros((15, 20), np.float32)
    values[3:6, 12:16] = 1.5
    values[4, 13] = 2.5
    return values


def film_result(film: Dataset, **different: Any) -> FilmResult:
    found = {"score": 3.25, "probability": 0.125, "percentile": 97.5, "anomaly_map": anomaly_map(), "pixels": grey()}
    return FilmResult(header=film, **(found | different))


def study_result(*films: FilmResult, **different: Any) -> StudyResult:
    values: dict[str, Any] = {
        "site": "ward-7",
        "decision": "17",
        "films": films,
        "action": "read",
        "probability": 0.125,
        "priority": 0.875,
        "rank": "Read before 97.5 % of the waiting studies",
        "reason": "The score is above the threshold of the ward.",
        "policy_digest": "ab" * 32,
        "model_sha256": "cd" * 32,
        "model_name": "ensemble-five",
        "version": "1.2.3",
        "made": datetime(2026, 11, 25, 12, 30, 15),
        "station": "TRIAGE",
    }
    return StudyResult(**(values | different))


def _film(different: dict[str, Any]) -> Dataset:
    tags = {name: value for name, value in (FULL | different).items() if value is not None}
    set_of = tags.pop("sop_class", CR)
    name = tags.pop("PatientName", None)
    film = data_set(pixels(), bits=12, sop_class=set_of, PatientName=name)
    with config.disable_value_validation():
        for keyword, value in tags.items():
            setattr(film, keyword, value)
    return film


def _read(film: Dataset, *, implicit: bool = False) -> Dataset:
    with config.disable_value_validation():
        syntax = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
        return pydicom.dcmread(io.BytesIO(written(film, syntax=syntax)), stop_before_pixels=True)


def _swapped(ascii_name: str, name: str, **different: Any) -> Dataset:
    """Return a header whose name has other bytes than its character set has: the name as UTF-8, of the same length."""
    assert len(name.encode()) == len(ascii_name) - 1
    film = _film({"PatientName": ascii_name, **different})
    data = written(film).replace(ascii_name.encode(), name.encode() + b" ")
    return pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
