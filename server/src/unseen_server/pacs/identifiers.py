"""The UIDs of our result objects: the same result gets the same UIDs at every attempt, and we know our own objects.

A UID is a UUID of version 8 below the root 2.25 (PS3.5, B.2; RFC 9562, 5.8): 32 bits that mark it as ours, the other 90
from SHA-256. No registered root is needed, and no number is drawn at random.

What every result object states of its maker, its time and its patient, whatever its kind.

highdicom writes the hour of the run into eight attributes, and names that it finds odd into the log: here the times
become those of the decision, so that the same result gives the same bytes, and names are entered last.
"""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from pydicom.uid import UID, ExplicitVRLittleEndian

from unseen_server.service.dicom_dates import dicom_zone

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from unseen_server.pacs.study_result import Kind, StudyResult


_MARK: Final = int.from_bytes(b"unsn", "big")
_ROOT: Final = "2.25."
_VERSION, _VARIANT = 8, 0b10


def uid_of(*names: str) -> UID:
    """Return the UID that follows from these names, in this order.

    >>> uid_of("site", "decision", "sr") == uid_of("site", "decision", "sr") != uid_of("site", "decisions", "r")
    True
    >>> len(uid_of("site")) <= 64, is_our_uid(uid_of("site"))
    (True, True)
    """
    digest = int.from_bytes(hashlib.sha256(json.dumps(names).encode()).digest(), "big")
    high = _MARK << 96 | (digest >> 64 & 0xFFFF) << 80 | _VERSION << 76 | (digest >> 80 & 0xFFF) << 64
    return UID(f"{_ROOT}{high | _VARIANT << 62 | digest & (1 << 62) - 1}")


def series_uid(*, site: str, decision: str, kind: str) -> UID:
    """Return the UID of the series with a decision's objects of one kind; it does not depend on the destination.

    Args:
        site: the installation's own key: two installations give the same study different UIDs.
        decision: the decision's number within the installation, and its time.
        kind: "sr", "capture" or "overlay".
    """
    return uid_of("series", site, decision, kind)


def instance_uid(*, site: str, decision: str, kind: str, film: str = "") -> UID:
    """Return the UID of an object; `film` is the SOP Instance UID of the film that it shows, "" for the whole study."""
    return uid_of("instance", site, decision, kind, film)


DEVICE: Final = uid_of("device")
"""Device UID (0018,1002) of every object that this software makes (PS3.3, C.7.5.1)."""
CODING_SCHEME: Final = uid_of("coding scheme")
"""UID of 99UNSEEN, the coding scheme for codes that no standard has (PS3.3, C.12.1.1.7)."""
IMPLEMENTATION: Final = uid_of("implementation")
"""Implementation Class UID in file meta information (PS3.10, 7.1) and at association (PS3.7, D.3.3.2)."""


def is_our_uid(uid: str) -> bool:
    """Return True if `uid_of` made the UID. Of UUIDs drawn at random, one in 7 × 10¹⁰ has the same mark.

    >>> is_our_uid("1.2.840.10008.1.2"), is_our_uid("2.25.4"), is_our_uid("")
    (False, False, False)
    """
    number = uid.removeprefix(_ROOT)
    if not uid.startswith(_ROOT) or not (number.isascii() and number.isdigit()) or len(uid) > 64:
        return False
    value = int(number)
    return value >> 96 == _MARK and value >> 76 & 0xF == _VERSION and value >> 62 & 0b11 == _VARIANT


def is_ours(dataset: Dataset) -> bool:
    """Return True if this software made the object, in any installation: such an object is never taken for a film.

    By the SOP Instance UID and the Device UID, not by the modality: other systems send SRs and captures, too.

    Args:
        dataset: the object.

    >>> from pydicom.dataset import Dataset
    >>> film, result = Dataset(), Dataset()
    >>> film.SOPInstanceUID, result.SOPInstanceUID = "1.2.3", instance_uid(site="a", decision="7", kind="sr")
    >>> is_ours(film), is_ours(result)
    (False, True)
    """
    if is_our_uid(str(dataset.get("SOPInstanceUID") or "")):
        return True
    device = dataset.get("DeviceUID")  # several values in newer editions of the standard
    return DEVICE in ([device] if isinstance(device, str) else list(device or ()))


MANUFACTURER: Final = "unseen"
_SERIES: Final[dict[Kind, tuple[int, str]]] = {
    "sr": (9901, "Research use only: report by unseen"),
    "capture": (9902, "Research use only: anomaly map by unseen"),
    "overlay": (9903, "Research use only: anomaly outline by unseen"),
}
_COPIED: Final = ("IssuerOfPatientID", "PatientAge", "StudyDescription", "TimezoneOffsetFromUTC")
_DATES: Final = ("InstanceCreation", "Content", "Series", "PresentationCreation")


def nameless(header: Dataset) -> Dataset:
    """Return a copy of a repaired header for highdicom: without names of people and the VOI LUT."""
    copy = deepcopy(header)  # Dataset.copy shares its elements
    copy.PatientName = copy.ReferringPhysicianName = ""
    if "VOILUTSequence" in copy:
        del copy.VOILUTSequence
    return copy


def shared(result: StudyResult, kind: Kind) -> dict[str, Any]:  # Any: highdicom's arguments are of many types
    """Return the arguments of highdicom's constructors that every result object has."""
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
    """Return the object that highdicom made, altered in place: our equipment, the decision's time, all of patient and
    study.

    An offset from UTC that the film states is that of all times in the object, for the film's own are copied. Without
    one, times are local, as the film's.

    General Equipment (PS3.3, C.7.5.1), SOP Common (C.12.1), file meta information (PS3.10, 7.1).
    """
    zone = dicom_zone(header.get("TimezoneOffsetFromUTC", ""))
    moment = result.made if zone is None else result.made.astimezone(zone)
    date, time = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")
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
    for keyword in _COPIED:  # a capture gets none of these from highdicom
        if keyword in header:
            setattr(made, keyword, header[keyword].value)
    made.DeviceUID = DEVICE
    made.DeviceSerialNumber = DEVICE.removeprefix("2.25.")
    made.StationName = result.station[:16]
    made.file_meta.ImplementationClassUID = IMPLEMENTATION
    made.file_meta.ImplementationVersionName = f"UNSEEN_{result.version}"[:16]
    del made.file_meta.FileMetaInformationGroupLength  # of highdicom's own UID; it is counted when the file is written
    return made
