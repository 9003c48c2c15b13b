"""Phantoms to files: PNG with a manifest, or DICOM.

Films to a folder: PNG files, their masks, and the manifest that names them.

A phantom as a DICOM file: 12 bits of grey, CR or DX, by the standard's own rules (PS3.3 A.2, A.26).

The same exposure as the 8-bit film of the same case, cut into finer steps.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite, uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from unseen.artifacts.files import replacing
from unseen.data.cells import safe_cell
from unseen.data.film import Film
from unseen.data.phantoms.sequences import Case, Exposed, Healthy, encode

COLUMNS = ("file", "label", "source", "patient", "mask", "lesion", "kind", "contrast", "twin", "size_mm")


def write(films: Iterable[Film], folder: str | Path) -> Path:
    """Write 8-bit `films` to `folder` and return the path of its `manifest.csv`.

    `films/`, `lungs/` and `lesions/` hold PNGs of one name; paths in the manifest are relative to it. Read back, a
    film has the same pixel values and the same `pixel_sha256`. One film is in memory at a time. The manifest appears
    when all that it names is there.

    Args:
        films: what is written.
        folder: where; it is made if needed.

    Raises:
        ValueError: a film is not 8-bit, or two have the same name.

    >>> import tempfile
    >>> from unseen.data import phantoms
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(phantoms.normals(1, size=64), folder).name
    'manifest.csv'
    """
    folder = Path(folder)
    for name in ("films", "lungs", "lesions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    seen: set[str] = set()
    with replacing(manifest) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        rows = csv.DictWriter(handle, COLUMNS)
        rows.writeheader()
        for film in films:
            name = f"{Path(film.name).stem}.png"
            if name in seen:
                raise ValueError(f"Two films are called {name}. Write them to two folders.")
            if film.bits != 8:
                raise ValueError(f"{film.name} has {film.bits} bits a pixel; phantoms are written with 8.")
            seen.add(name)
            rows.writerow({column: safe_cell(cell) for column, cell in _write_one(film, folder, name).items()})
    return manifest


def _write_one(film: Film, folder: Path, name: str) -> dict[str, str]:
    steps = np.rint(film.pixels * np.float32(255.0)).astype(np.uint8)
    (folder / "films" / name).write_bytes(encode(steps))
    return {
        "file": f"films/{name}",
        "label": film.label or "",
        "source": film.source,
        "patient": film.patient,
        "mask": _write_mask(film.lungs, folder, f"lungs/{name}"),
        "lesion": _write_mask(film.lesion, folder, f"lesions/{name}"),
        **{column: film.columns.get(column, "") for column in ("kind", "contrast", "twin", "size_mm")},
    }


def _write_mask(mask: NDArray[np.bool_] | None, folder: Path, name: str) -> str:
    if mask is None:
        return ""
    (folder / name).write_bytes(encode(mask.astype(np.uint8) * np.uint8(255)))
    return name


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
