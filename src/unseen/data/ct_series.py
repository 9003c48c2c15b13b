"""Volumes from CT series in DICOM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from unseen.artifacts.errors import reason_of
from unseen.data.array_files import ArrayError
from unseen.data.volume import Volume

NEEDED = ("SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
UNEVEN = 0.05  # of the distance between slices


def read_ct_series(folder: Path | str) -> Volume:
    """Return the volume of a CT series in HU, from the DICOM files of a folder, one per slice.

    Slices are sorted by their position along the normal of the slices, whatever the files are called. Files that are
    no DICOM are skipped.

    Args:
        folder: with the files of one series.

    Raises:
        ArrayError: no CT images; several series; a slice that is missing, doubled, of another size, orientation or
            spacing; or pixels that cannot be decoded.
        OSError: there is no such folder, or it may not be read.

    Example:
        >>> import tempfile
        >>> read_ct_series(tempfile.mkdtemp())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        unseen.data.array_files.ArrayError: ...

    Source: DICOM PS3.3, C.7.6.2 (image plane), C.11.1 (modality LUT), C.8.2.1 (CT image).
    """
    folder = Path(folder)
    images: list[tuple[Path, Dataset]] = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            try:
                images.append((path, dcmread(path)))
            except InvalidDicomError:
                continue
    images = [(path, image) for path, image in images if image.get("Modality") == "CT" and "PixelData" in image]
    if not images:
        raise ArrayError(f"{folder}: has no CT images in DICOM. Give the folder of one series.")
    for path, image in images:
        if missing := [name for name in NEEDED if image.get(name) in (None, "")]:
            raise ArrayError(f"{path}: lacks {', '.join(missing)}. Export the series again, as CT images.")
    series = {str(image.SeriesInstanceUID) for _, image in images}
    if len(series) > 1:
        raise ArrayError(f"{folder}: has {len(series)} series. Move the files of one of them to a folder of its own.")
    first_path, first = images[0]
    for path, image in images:
        for name in ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient"):
            if not np.allclose(_numbers(image, name), _numbers(first, name), atol=1e-4):
                raise ArrayError(f"{path}: {name} differs from that of {first_path.name}. Take it out of the folder.")
    columns, rows = _numbers(first, "ImageOrientationPatient").reshape(2, 3)
    normal = np.cross(columns, rows)
    if not np.isclose(np.linalg.norm(normal), 1, atol=1e-3):
        raise ArrayError(f"{first_path}: ImageOrientationPatient is no pair of perpendicular unit vectors.")
    places = np.array([_numbers(image, "ImagePositionPatient") @ normal for _, image in images])
    order = np.argsort(places)
    between = _distance(folder, places[order], first)
    values = np.stack([_hounsfield(*images[index]) for index in order])
    height, width = _numbers(first, "PixelSpacing")
    origin = _numbers(images[int(order[0])][1], "ImagePositionPatient")
    return Volume(
        values,
        (between, float(height), float(width)),
        (float(origin[0]), float(origin[1]), float(origin[2])),
        np.stack([normal, rows, columns]),
    )


def _numbers(image: Dataset, name: str) -> NDArray[np.float64]:
    return np.array(image[name].value, dtype=np.float64)


def _distance(folder: Path, places: NDArray[np.float64], first: Dataset) -> float:
    """Return the distance between slices; of a single slice, its thickness."""
    if len(places) == 1:
        return float(first.get("SliceThickness") or 1.0)
    steps = np.diff(places)
    between = float(np.median(steps))
    if not (between > 0 and np.abs(steps - between).max() <= UNEVEN * between):
        worst = int(np.abs(steps - between).argmax())
        raise ArrayError(
            f"{folder}: slices are {between:.4g} mm apart, but {steps[worst]:.4g} mm between slices {worst} and "
            f"{worst + 1}. Add the missing slices, or take out doubled ones."
        )
    return between


def _hounsfield(path: Path, image: Dataset) -> NDArray[np.float32]:
    try:
        stored = image.pixel_array
    except (AttributeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise ArrayError(f"{path}: pixels cannot be decoded ({reason_of(error)}). Export them uncompressed.") from error
    if stored.ndim != 2:
        raise ArrayError(
            f"{path}: has pixels of shape {stored.shape}, and one slice was expected. Export single slices."
        )
    slope, intercept = float(image.get("RescaleSlope", 1.0)), float(image.get("RescaleIntercept", 0.0))
    return (stored * slope + intercept).astype(np.float32)
