"""Volumes from files that pydicom and NiBabel wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from unseen import physics
from unseen.data import ArrayError, read_ct_series, read_nifti

HU = np.random.default_rng(0).integers(-1000, 2000, size=(5, 6, 5)).astype(np.float32)
Change = Callable[[int, Dataset], None]


def write_series(folder: Path, *, order: tuple[int, ...] = (2, 0, 3, 1, 4), change: Change | None = None) -> Path:
    """Write slices 2.5 mm apart, under names of another order."""
    folder.mkdir(exist_ok=True)
    series = generate_uid()
    for name, index in enumerate(order):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
        image.Modality, image.SeriesInstanceUID, image.InstanceNumber = "CT", series, name + 1
        image.Rows, image.Columns = HU.shape[1:]
        image.PixelSpacing, image.ImageOrientationPatient = [0.7, 0.9], [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [-10, -20, 2.5 * index - 5]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 0
        image.RescaleSlope, image.RescaleIntercept = 0.5, -1024
        image.PixelData = (2 * (HU[index] + 1024)).astype(np.uint16).tobytes()
        if change is not None:
            change(index, image)
        image.save_as(folder / f"{name:03}.dcm", enforce_file_format=True)
    (folder / "readme.txt").write_text("no DICOM")
    return folder


def test_a_series_is_sorted_by_position_and_scaled_to_hu(tmp_path: Path) -> None:
    volume = read_ct_series(write_series(tmp_path / "series"))
    assert np.array_equal(volume.values, HU)
    assert volume.spacing_mm == (2.5, 0.7, 0.9) and volume.origin_mm == (-10, -20, -5)
    assert np.array_equal(volume.directions, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_attenuation_of_water_and_air_is_projected(tmp_path: Path) -> None:
    water = (2 * 1024 * np.ones(HU.shape[1:])).astype(np.uint16).tobytes()
    folder = write_series(tmp_path / "series", change=lambda _, image: setattr(image, "PixelData", water))
    volume = read_ct_series(folder)
    mu = volume.attenuation(water=0.02)
    assert np.allclose(mu, 0.02)
    A = physics.Tomography((6, 5), np.array([0.0]), pixel_size=volume.spacing_mm[1:], detectors=1, spacing=0.1)
    np.testing.assert_allclose(A(mu[:1, None].astype(np.float64)).max(), 0.02 * 6 * 0.7, rtol=1e-6)
    with pytest.raises(ValueError, match="water is an attenuation coefficient above 0 per mm, but got 0"):
        volume.attenuation(water=0)


FAULTS: dict[str, tuple[Change, str]] = {
    "two series": (
        lambda i, image: setattr(image, "SeriesInstanceUID", f"1.2.{i % 2}"),
        r"series: has 2 series\. Move",
    ),
    "another spacing": (
        lambda i, image: setattr(image, "PixelSpacing", [0.7, 0.9 if i else 0.8]),
        r"PixelSpacing differs from that of 000\.dcm\. Take it out",
    ),
    "a slice twice": (
        lambda i, image: setattr(image, "ImagePositionPatient", [0, 0, 2.5 * max(i, 1)]),
        r"slices are 2\.5 mm apart, but 0 mm between slices 0 and 1\. Add",
    ),
    "no position": (lambda i, image: delattr(image, "ImagePositionPatient"), r"lacks ImagePositionPatient\. Export"),
    "another modality": (lambda i, image: setattr(image, "Modality", "MR"), r"has no CT images in DICOM\. Give"),
    "half the pixels": (
        lambda i, image: setattr(image, "PixelData", image.PixelData[:20]),
        r"pixels cannot be decoded \(.*\)\. Export them uncompressed",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_series_is_named_with_cause_and_remedy(tmp_path: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    folder = write_series(tmp_path / "series", change=change)
    with pytest.raises(ArrayError, match=message):
        read_ct_series(folder)


def test_a_missing_slice_and_an_empty_folder_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ArrayError, match=r"slices are 2\.5 mm apart, but 5 mm between slices 0 and 1"):
        read_ct_series(write_series(tmp_path / "gap", order=(2, 0, 3, 4)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArrayError, match="has no CT images"):
        read_ct_series(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        read_ct_series(tmp_path / "gone")


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SAL"])
def test_nifti_of_any_axes_is_the_same_volume(tmp_path: Path, axes: str) -> None:
    affine = np.diag([0.9, 0.7, 2.5, 1.0])
    affine[:3, 3] = -6, 4, -5
    ras = nibabel.Nifti1Image(HU[:, ::-1, ::-1].transpose(2, 1, 0).copy(), affine)
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(affine), nibabel.orientations.axcodes2ornt(axes)
    )
    nibabel.save(ras.as_reoriented(turn), tmp_path / "volume.nii.gz")
    volume = read_nifti(tmp_path / "volume.nii.gz")
    assert np.array_equal(volume.values, HU)
    np.testing.assert_allclose(volume.spacing_mm, (2.5, 0.7, 0.9), rtol=1e-6)
    np.testing.assert_allclose(volume.directions, [[0, 0, 1], [0, 1, 0], [1, 0, 0]], atol=1e-6)
    # voxel [0, 0, 0] is the last of x and y in the file: x = −6 + 4 · 0.9 to the right, y = 4 + 5 · 0.7 to the front
    np.testing.assert_allclose(volume.origin_mm, (2.4, -7.5, -5), atol=1e-5)


def test_a_nifti_that_is_no_volume_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 3, 4, 5), np.float32), np.eye(4)), tmp_path / "four.nii")
    with pytest.raises(ArrayError, match=r"four\.nii: has 4 axes, and a volume has 3\. Take one volume"):
        read_nifti(tmp_path / "four.nii")
    (tmp_path / "half.nii").write_bytes((tmp_path / "four.nii").read_bytes()[:300])
    with pytest.raises(ArrayError, match=r"half\.nii: cannot be read as NIfTI"):
        read_nifti(tmp_path / "half.nii")
