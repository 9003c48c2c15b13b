"""Grey values of a film: one result for every way to store it, and DICOM's own formulas for windows and LUTs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut

from tests.data import making
from unseen.data.grey_scale import grey_table, with_grey_scale

FILM = making.ramp(64, 64, bits=8)
"""The film as it should look: white = dense, black to white."""
DEEP = np.rint(FILM / 255 * 4095).astype(np.uint16)


def table(entries: NDArray[Any], bits: int, first: int = 0) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.ModalityLUTType = "US"
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return item


def modality_lut() -> bytes:
    stored = 4095 - DEEP
    return making.dicom(stored, bits=12, ModalityLUTSequence=[table(np.arange(4095, -1, -1), 12)])


def padded() -> bytes:
    stored = 4095 - DEEP
    stored[:, :5] = 0  # a border, white as MONOCHROME1 shows it
    tags = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 0}
    return making.dicom(stored, bits=12, **tags)


def window(low: float, high: float) -> dict[str, float]:
    return {"WindowCenter": (low + high + 1) / 2, "WindowWidth": high - low + 1}


WAYS = {
    "16 bits, 12 used, window": lambda: making.dicom(DEEP, bits=16, **window(0, 4095)),
    "16 bits, 12 used": lambda: making.dicom(DEEP, bits=16),
    "half of the bits, window": lambda: making.dicom(DEEP // 2, bits=12, **window(0, 2047)),
    "half of the bits": lambda: making.dicom(DEEP // 2, bits=12),
    "a range in the middle, window": lambda: making.dicom(DEEP // 4 + 2000, bits=14, **window(2000, 3023)),
    "a range in the middle": lambda: making.dicom(DEEP // 4 + 2000, bits=14),
    "rescaled, window": lambda: making.dicom(
        DEEP,
        bits=12,
        RescaleSlope=0.5,
        RescaleIntercept=-100,
        WindowCenter=-100 + 4095 / 4 + 0.5,
        WindowWidth=4095 / 2 + 1,
    ),
    "inverted": lambda: making.dicom(4095 - DEEP, bits=12, PhotometricInterpretation="MONOCHROME1"),
    "inverted, 16 bits, 12 used": lambda: making.dicom(4095 - DEEP, bits=16, PhotometricInterpretation="MONOCHROME1"),
    "negative slope": lambda: making.dicom(4095 - DEEP, bits=12, RescaleSlope=-1, RescaleIntercept=4095),
    "signed": lambda: making.dicom((DEEP.astype(int) - 2048).astype(np.int16), bits=12),
    "VOI LUT that inverts": lambda: making.dicom(
        4095 - DEEP, bits=12, VOILUTSequence=[table(np.arange(4095, -1, -1), 12)]
    ),
    "modality LUT": modality_lut,
    "padded": padded,
    "16-bit PNG": lambda: making.image(DEEP),
    "8-bit JPEG 2000": lambda: making.dicom(FILM, bits=8, syntax=uid.JPEG2000Lossless, frame=making.j2k(FILM, bits=8)),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_store_a_film_gives_its_grey_values(read_file: Any, way: str) -> None:
    wanted = FILM / 255
    found = read_file(WAYS[way]()).pixels
    if way == "padded":
        assert not found[:, :5].any()
        wanted, found = wanted[:, 5:], found[:, 5:]
    assert np.abs(found - wanted).max() <= 1 / 255


def test_an_8_bit_image_keeps_its_pixels_to_the_last_bit_however_pale_it_is(read_file: Any) -> None:
    pale = 100 + FILM // 8
    assert np.array_equal(read_file(making.image(pale)).pixels, pale / np.float32(255))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (16, -1024), (-2, 9000)])
def test_a_window_is_applied_as_dicom_defines_it(
    read_file: Any, function: str, photometric: str, slope: float, intercept: float
) -> None:
    middle = slope * 1800 + intercept
    tags = {"RescaleSlope": slope, "RescaleIntercept": intercept, "VOILUTFunction": function}
    tags |= {"WindowCenter": middle, "WindowWidth": 1500 * abs(slope), "PhotometricInterpretation": photometric}
    data = making.dicom(DEEP, bits=12, **tags)
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.BitsStored, ds.BitsAllocated = 16, 16  # pydicom clips the rescaled values to the stored bits
    values = ds.pixel_array.astype(float) * slope + intercept
    c, w = float(ds.WindowCenter), float(ds.WindowWidth)
    shown = {
        "LINEAR": np.clip((values - (c - 0.5)) / (w - 1) + 0.5, 0, 1),
        "LINEAR_EXACT": np.clip((values - c) / w + 0.5, 0, 1),
        "SIGMOID": 1 / (1 + np.exp(-4 * (values - c) / w)),
    }[function]
    wanted = 1 - shown if photometric == "MONOCHROME1" else shown
    assert np.abs(read_file(data).pixels - wanted).max() < 1e-5


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, -1000), (-1, 4095), (0.5, 0)])
def test_a_voi_lut_is_applied_to_the_rescaled_values_and_goes_before_windows(
    read_file: Any, photometric: str, slope: float, intercept: float
) -> None:
    curve = np.rint(1023 * np.linspace(0, 1, 4096) ** 2).astype(np.uint16)
    first = -1000 if intercept < 0 else 0
    item = table(curve, 10)
    item.LUTDescriptor = [4096, first % 65536, 10]
    tags: dict[str, Any] = {"RescaleSlope": slope, "RescaleIntercept": intercept, "VOILUTSequence": [item]}
    data = making.dicom(DEEP, bits=12, PhotometricInterpretation=photometric, **tags, **window(0, 4095))
    values = np.rint(DEEP.astype(float) * slope + intercept).astype(int)
    shown = curve[np.clip(values - first, 0, 4095)] / 1023
    wanted = 1 - shown if photometric == "MONOCHROME1" else shown
    assert np.abs(read_file(data).pixels - wanted).max() < 1e-5


def test_a_voi_lut_shows_what_pydicom_shows(read_file: Any) -> None:
    curve = np.rint(1023 * np.linspace(0, 1, 3000) ** 0.5)
    data = making.dicom(DEEP, bits=12, VOILUTSequence=[table(curve, 10, first=500)])
    ds = pydicom.dcmread(io.BytesIO(data))
    wanted = apply_voi_lut(ds.pixel_array, ds) / 1023
    assert np.abs(read_file(data).pixels - wanted).max() < 1e-6


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": 0, "WindowWidth": 0},
        {"WindowCenter": 40, "WindowWidth": 400},  # of a CT
        {"WindowCenter": 60000, "WindowWidth": 100},
        {"WindowCenter": 128, "WindowWidth": 256},  # of 8 bits
    ],
)
def test_a_window_that_does_not_show_the_film_is_passed_over_for_the_next(read_file: Any, tags: dict[str, Any]) -> None:
    alone = read_file(making.dicom(DEEP, bits=12, **tags))
    assert np.abs(alone.pixels - FILM / 255).max() <= 1 / 255
    both = {key: [value, wanted] for (key, value), wanted in zip(tags.items(), (2048, 3000), strict=True)}
    data = making.dicom(DEEP, bits=12, **both)
    wanted = np.clip((DEEP - 2047.5) / 2999 + 0.5, 0, 1)
    assert np.abs(read_file(data).pixels - wanted).max() < 1e-5


def test_a_modality_lut_that_contradicts_its_descriptor_is_refused(read_file: Any) -> None:
    item = table(np.arange(256), 12)
    item.LUTDescriptor = [4096, 0, 12]
    found = read_file(making.dicom(DEEP, bits=12, ModalityLUTSequence=[item]))
    assert "Modality LUT Sequence that cannot be read" in found.reason


def test_empty_padding_attributes_are_no_padding(read_file: Any) -> None:
    found = read_file(_with_empty_padding())
    assert np.abs(found.pixels - FILM / 255).max() <= 1 / 255


def _with_empty_padding() -> bytes:
    ds = pydicom.dcmread(io.BytesIO(making.dicom(DEEP, bits=12)))
    ds.add_new("PixelPaddingValue", "US", None)
    return making.written(ds)


def test_a_blank_film_keeps_the_nominal_range() -> None:
    blank = np.full((40, 40), 1000, np.uint16)
    display = with_grey_scale({}, blank, bits=12)
    assert grey_table(display, bits=12)[1000] == np.float32(1000) / np.float32(4095)
