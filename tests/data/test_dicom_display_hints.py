"""Display settings in a film's header, against DICOM's own formulas over the stored values."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut

from tests.data.making import dicom, written
from unseen.data.decode import shared_decoder
from unseen.data.decoder_protocol import DecodedImage


def stored(seed: int = 0) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, 4096, (40, 48), dtype=np.uint16)


def decoded(tmp_path: Path, data: bytes, frame: int | None = None) -> DecodedImage:
    path = tmp_path / "film.dcm"
    path.write_bytes(data)
    found = shared_decoder().decode(path, frame=frame)
    assert isinstance(found, DecodedImage), found
    return found


def linear(samples: NDArray[Any], window: dict[str, Any]) -> NDArray[np.float64]:
    """Apply a window as the page does: DICOM PS3.3 C.11.2.1.2.1, from 0 to 1."""
    c, w = window["centre"], window["width"]
    return np.clip((samples - (c - 0.5)) / (w - 1) + 0.5, 0, 1)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -1024)])
def test_the_files_window_shows_what_dicom_says(
    tmp_path: Path, photometric: str, slope: float, intercept: float
) -> None:
    """Release 0.1 opened a film whose header asks for 1200 / 1500 at its own 1969.5 / 3939."""
    tags = {"WindowCenter": 1200, "WindowWidth": 1500, "RescaleSlope": slope, "RescaleIntercept": intercept}
    data = dicom(stored(), bits=12, PhotometricInterpretation=photometric, **tags)
    found = decoded(tmp_path, data)
    window = found.display["windows"][0]  # a further one is of the film's own range, where this one shows too little
    ds = pydicom.dcmread(io.BytesIO(data))
    values = ds.pixel_array.astype(float) * slope + intercept
    wanted = apply_voi_lut(values, ds).astype(float)
    wanted = (wanted - wanted.min()) / (wanted.max() - wanted.min())
    wanted = 1 - wanted if photometric == "MONOCHROME1" else wanted
    assert np.abs(linear(found.pixels.astype(float), window) - wanted).max() < 2e-3
    assert window["name"] == "Window 1" and window["function"] == "LINEAR"


def test_several_windows_have_their_names_and_nonsense_is_left_out(tmp_path: Path) -> None:
    data = dicom(
        stored(), bits=12, WindowCenter=[1200, 2000, 0], WindowWidth=[1500, 900, 0],
        WindowCenterWidthExplanation=["NORMAL", "HARD", "NONE"], VOILUTFunction="SIGMOID",
    )  # fmt: skip
    windows = decoded(tmp_path, data).display["windows"]
    assert [(one["name"], one["centre"], one["width"], one["function"]) for one in windows] == [
        ("NORMAL", 1200, 1500, "SIGMOID"),
        ("HARD", 2000, 900, "SIGMOID"),
    ]


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_voi_lut_shows_what_dicom_says(tmp_path: Path, photometric: str) -> None:
    item = Dataset()
    entries = np.sqrt(np.linspace(0, 1, 3000))
    item.LUTDescriptor = [3000, 500, 10]
    item.LUTExplanation = "CHEST"
    item.add_new("LUTData", "OW", np.round(entries * 1023).astype("<u2").tobytes())
    data = dicom(stored(), bits=12, PhotometricInterpretation=photometric, VOILUTSequence=[item])
    found = decoded(tmp_path, data)
    (lut,) = found.display["luts"]
    table = np.frombuffer(base64.b64decode(lut["values"]), "<u2").astype(float) / (2 ** lut["bits"] - 1)
    shown = table[np.clip(found.pixels.astype(int) - lut["first"], 0, len(table) - 1)]
    ds = pydicom.dcmread(io.BytesIO(data))
    wanted = apply_voi_lut(ds.pixel_array, ds).astype(float) / 1023
    wanted = 1 - wanted if photometric == "MONOCHROME1" else wanted
    assert lut["name"] == "CHEST" and np.abs(shown - wanted).max() < 1e-9


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"PixelSpacing": [0.2, 0.2]}, "calibrated"),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, "detector"),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, "detector"),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, "calibrated"),
        ({}, ""),
    ],
)
def test_what_a_spacing_measures(tmp_path: Path, tags: dict[str, Any], kind: str) -> None:
    assert decoded(tmp_path, dicom(stored(), bits=12, **tags)).display["spacing"] == kind


def test_frames_are_shown_one_by_one_and_not_scored(tmp_path: Path) -> None:
    frames = np.stack([stored(seed) for seed in range(3)])
    ds = pydicom.dcmread(io.BytesIO(dicom(frames[0], bits=12)))
    ds.NumberOfFrames = 3
    ds.PixelData = frames.tobytes()
    data = written(ds)
    for number in range(3):
        found = decoded(tmp_path, data, frame=number)
        assert (found.pixels == frames[number]).all() and found.display["frames"] == 3
    path = tmp_path / "film.dcm"
    assert "NumberOfFrames is 3" in str(shared_decoder().decode(path)) and "NumberOfFrames" in str(
        shared_decoder().decode(path, frame=3)
    )


def test_elements_are_text_and_pixels_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom(stored(), bits=12, PatientID="4711"))
    found = shared_decoder().elements(path)
    assert ["(0010,0020)", "Patient ID", "LO", "4711"] in found
    assert ["(7FE0,0010)", "Pixel Data", "OW", "3840 bytes"] in found
    path.write_bytes(b"a text")
    assert isinstance(shared_decoder().elements(path), str)


def test_personal_values_are_read_whatever_precedes_them_and_whatever_the_pixels_are(tmp_path: Path) -> None:
    ds = pydicom.dcmread(
        io.BytesIO(dicom(stored(), bits=12, PatientID="47\\11", PatientName="Doe^Jane", PatientAge=""))
    )
    items = [Dataset() for _ in range(700)]
    for number, item in enumerate(items):
        item.ReferencedSOPInstanceUID = f"1.2.{number}"
    ds.ReferencedImageSequence = items  # group 0008: before the patient
    path = tmp_path / "film.dcm"
    path.write_bytes(written(ds)[:-1000])
    assert shared_decoder().personal_values(path) == {"PatientName": "Doe^Jane", "PatientID": "47\\11"}
    path.write_bytes(b"a text")
    assert isinstance(shared_decoder().personal_values(path), str)
    assert isinstance(shared_decoder().personal_values(tmp_path / "missing.dcm"), str)
