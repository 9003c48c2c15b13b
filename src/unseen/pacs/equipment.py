"""What every result object states of its maker, its time and its patient, whatever its kind.

highdicom writes the hour of the run into eight attributes, and names that it finds odd into the log: here the times
become those of the decision, so that the same result gives the same bytes, and names are entered last.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from pydicom.uid import ExplicitVRLittleEndian

from unseen.pacs.identifiers import DEVICE, IMPLEMENTATION, series_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from unseen.pacs.study_result import Kind, StudyResult

MANUFACTURER: Final = "unseen"
_SERIES: Final[dict[Kind, tuple[int, str]]] = {
    "sr": (9901, "Research use only: report by unseen"),
    "capture": (9902, "Research use only: anomaly map by unseen"),
    "overlay": (9903, "Research use only: anomaly outline by unseen"),
}
_PATIENT_AND_STUDY: Final = ("IssuerOfPatientID", "PatientAge", "StudyDescription")
_DATES: Final = ("InstanceCreation", "Content", "Series", "PresentationCreation")


def nameless(header: Dataset) -> Dataset:
    """A copy of a repaired header for highdicom: without names of people and the VOI LUT."""
    copy = deepcopy(header)  # Dataset.copy shares its elements
    copy.PatientName = copy.ReferringPhysicianName = ""
    if "VOILUTSequence" in copy:
        del copy.VOILUTSequence
    return copy


def shared(result: StudyResult, kind: Kind) -> dict[str, Any]:  # Any: highdicom's arguments are of many types
    """Arguments of highdicom's constructors that every result object has."""
    number, description = _SERIES[kind]
    return {
        "series_instance_uid": series_uid(site=result.site, decision=result.decision, kind=kind),
        "series_number": number,
        "series_description": description,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": result.model_name[:64],
        "software_versions": result.version[:64],
        "transfer_syntax_uid": ExplicitVRLittleEndian,
    }


def finished(made: Dataset, result: StudyResult, header: Dataset) -> Dataset:
    """The object that highdicom made, altered in place: our equipment, the decision's time, all of patient and study.

    General Equipment (PS3.3, C.7.5.1), SOP Common (C.12.1), file meta information (PS3.10, 7.1).
    """
    date, time = result.made.strftime("%Y%m%d"), result.made.strftime("%H%M%S")
    for name in _DATES:
        if f"{name}Date" in made or name == "Series":
            setattr(made, f"{name}Date", date)
            setattr(made, f"{name}Time", time)
    if "DateOfSecondaryCapture" in made:
        made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = date, time
    for item in made.get("ContributingEquipmentSequence", ()):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = date + time
    made.PatientName, made.ReferringPhysicianName = str(header.PatientName), str(header.ReferringPhysicianName)
    for keyword in _PATIENT_AND_STUDY:  # a capture gets none of these from highdicom
        if keyword in header:
            setattr(made, keyword, header[keyword].value)
    made.DeviceUID = DEVICE
    made.DeviceSerialNumber = DEVICE.removeprefix("2.25.")
    made.StationName = result.station[:16]
    made.file_meta.ImplementationClassUID = IMPLEMENTATION
    made.file_meta.ImplementationVersionName = f"UNSEEN_{result.version}"[:16]
    del made.file_meta.FileMetaInformationGroupLength  # of highdicom's own UID; it is counted when the file is written
    return made
