"""Phantom as a DICOM file: 12 bits of grey, CR or DX, by the standard's own rules (PS3.3 A.2, A.26).

The same exposure as the 8-bit film of the same case, quantised to finer steps.
"""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydicom import dcmwrite, uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from unseen.data.phantoms.sequences import Case, Exposed, Healthy

_CR = "1.2.840.10008.5.1.4.1.1.1"


_DX = "1.2.840.10008.5.1.4.1.1.1.1"  # for presentation


_BITS = 12


@dataclass(frozen=True, kw_only=True)
class Station:
    """Station where a film was taken, as the DICOM header states it.

    Args:
        name: StationName and InstitutionName, at most 16 characters.
        modality: "CR" or "DX"; it also decides the SOP class.
        photometric: PhotometricInterpretation. MONOCHROME1 stores inverted values; viewers show the same image.

    Example:
        >>> Station(name="ward", modality="DX").photometric
        'MONOCHROME2'
    """

    name: str
    modality: Literal["CR", "DX"] = "CR"
    photometric: Literal["MONOCHROME1", "MONOCHROME2"] = "MONOCHROME2"


def as_dicom(case: Case, healthy: Healthy, exposed: Exposed, station: Station) -> bytes:
    """Encode an exposed phantom as a DICOM file with 12 bits per pixel, Explicit VR Little Endian.

    The same case at the same station gives the same bytes.

    Args:
        case: the case; it gives the patient, the accession number and the UIDs.
        healthy: the result of `draw_healthy` for this case; it gives the pixel spacing.
        exposed: the result of `draw_exposed` for this case; it gives the pixels, of shape (size, size).
        station: the station in the header.

    Returns:
        The bytes of the file, preamble included.

    Example:
        >>> from unseen.data.phantoms import draw_exposed, draw_healthy
        >>> case = Case(seed=0, stream="normal", index=0, size=64, kind=None)
        >>> healthy = draw_healthy(case)
        >>> data = as_dicom(case, healthy, draw_exposed(case, healthy), Station(name="ward"))
        >>> data[128:132]
        b'DICM'
    """
    top = 2**_BITS - 1
    steps = np.rint(exposed.grey * np.float32(top)).astype(np.uint16)  # (size, size)
    spacing_mm = f"{10.0 * healthy.patient.grid.field_cm / steps.shape[0]:.6f}"
    ds = Dataset()
    ds.SOPClassUID = _CR if station.modality == "CR" else _DX
    ds.SOPInstanceUID = _uid(case, station, "film")
    ds.StudyInstanceUID = _uid(case, station, "study")
    ds.SeriesInstanceUID = _uid(case, station, "series")
    ds.PatientID = case.patient
    ds.PatientName = "Phantom"
    ds.AccessionNumber = f"{case.stream[0].upper()}{case.seed}-{case.index}"[:16]
    ds.Modality = station.modality
    ds.StationName = ds.InstitutionName = station.name
    ds.Manufacturer = "phantoms of unseen"
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = "PA"
    ds.PatientOrientation = ["L", "F"]
    ds.ImagerPixelSpacing = [spacing_mm, spacing_mm]
    if station.modality == "DX":
        ds.PresentationIntentType = "FOR PRESENTATION"
        ds.PixelIntensityRelationship = "LOG"
        ds.PixelIntensityRelationshipSign = 1 if station.photometric == "MONOCHROME1" else -1
        ds.PresentationLUTShape = "INVERSE" if station.photometric == "MONOCHROME1" else "IDENTITY"
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, 0, "US"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = station.photometric
    ds.Rows, ds.Columns = steps.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, _BITS, _BITS - 1, 0
    ds.WindowCenter, ds.WindowWidth = (top + 1) // 2, top + 1
    ds.add_new("PixelData", "OW", (top - steps if station.photometric == "MONOCHROME1" else steps).tobytes())
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    written = io.BytesIO()
    dcmwrite(written, FileDataset("", ds, file_meta=meta, preamble=bytes(128)), enforce_file_format=True)
    return written.getvalue()


def _uid(case: Case, station: Station, what: str) -> str:
    return uid.generate_uid(entropy_srcs=[what, station.name, case.patient, str(case.kind), str(case.size)])
