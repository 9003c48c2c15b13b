"""DICOM films: what the pixels become, step by step, and which objects are no films."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread, uid

from tests.data import making
from unseen.data.dicom_file_meta import file_meta
from unseen.data.film import Film, NotRead
from unseen.data.reading import films

RAMP = making.ramp(bits=12)


def _integers(film: Film | NotRead) -> np.ndarray[Any, Any]:
    assert isinstance(film, Film), film
    return np.rint(film.pixels * (2**film.bits - 1)).astype(int)


def test_a_film_keeps_what_the_header_says(read_file: Any) -> None:
    tags = {"PatientOrientation": ["L", "F"], "ImagerPixelSpacing": [0.143, 0.143]}
    film = read_file(making.dicom(RAMP, bits=12, **tags))
    assert isinstance(film, Film)
    assert (film.bits, film.view_position, film.patient_orientation, film.spacing_mm) == (12, "PA", "L\\F", 0.143)
    assert film.file_format == "dicom"
    assert film.pixels.dtype == np.float32


def test_a_film_keeps_where_it_comes_from_and_what_joins_it_to_its_study(read_file: Any) -> None:
    tags = {
        "Manufacturer": "Acme",
        "PatientAge": "061Y",
        "PatientID": "4711",
        "StudyInstanceUID": "1.2.3",
        "PatientName": "Doe^Jane",
    }
    film = read_file(making.dicom(RAMP, bits=12, **tags))
    assert (film.tags["Manufacturer"], film.tags["PatientAge"], film.study) == ("Acme", "061Y", "1.2.3")
    assert film.identifiers["PatientID"] == "4711"
    assert film.patient == "id-" + hashlib.sha256(b"|4711").hexdigest()[:16]
    assert "Doe" not in repr(film) and "4711" not in repr(film)


def test_films_of_one_study_are_of_one_patient_where_the_number_is_missing(read_file: Any) -> None:
    one, two, other = (
        read_file(making.dicom(RAMP + place, bits=12, StudyInstanceUID=uid))
        for place, uid in enumerate(("1.2.3", "1.2.3", "1.2.4"))
    )
    assert one.patient == two.patient != other.patient and "1.2.3" not in one.patient


def test_two_hospitals_patients_of_one_number_are_two_patients(read_file: Any) -> None:
    one, other = (read_file(making.dicom(RAMP, bits=12, PatientID="1", IssuerOfPatientID=who)) for who in ("A", "B"))
    assert one.patient != other.patient


def test_spacing_that_differs_between_axes_is_unknown(read_file: Any) -> None:
    assert read_file(making.dicom(RAMP, bits=12, PixelSpacing=[0.1, 0.2])).spacing_mm is None
    assert read_file(making.dicom(RAMP, bits=12, PixelSpacing=[0, 0])).spacing_mm is None


def test_monochrome1_is_inverted_once(read_file: Any) -> None:
    film = read_file(making.dicom(RAMP, bits=12, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(_integers(film), 4095 - RAMP.astype(int))


def test_monochrome1_is_inverted_against_the_nominal_range_not_its_own_maximum(read_file: Any) -> None:
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    film = read_file(making.dicom(RAMP // 2, bits=12, PhotometricInterpretation="MONOCHROME1", **window))
    assert _integers(film).min() == 4095 - 2047


def test_inverse_presentation_lut_shape_does_not_invert_monochrome1_twice(read_file: Any) -> None:
    tags = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    assert np.array_equal(_integers(read_file(making.dicom(RAMP, bits=12, **tags))), 4095 - RAMP.astype(int))


def test_a_window_that_shows_two_values_of_the_film_is_not_used(read_file: Any) -> None:
    film = read_file(making.dicom(RAMP, bits=12, WindowCenter=1, WindowWidth=2))
    assert np.array_equal(_integers(film), RAMP)


@pytest.mark.parametrize("slope, intercept", [(0.5, -100), (2, 7), (1, 0)])
def test_a_rescale_leaves_the_place_in_the_nominal_range(read_file: Any, slope: float, intercept: float) -> None:
    film = read_file(making.dicom(RAMP, bits=12, RescaleSlope=slope, RescaleIntercept=intercept))
    rescaled = RAMP * slope + intercept
    low, high = intercept, 4095 * slope + intercept
    np.testing.assert_allclose(film.pixels, (rescaled - low) / (high - low), atol=1e-6)


def test_a_negative_slope_turns_black_and_white_round(read_file: Any) -> None:
    tags = {"RescaleSlope": -1, "RescaleIntercept": 4095}
    assert np.array_equal(_integers(read_file(making.dicom(RAMP, bits=12, **tags))), 4095 - RAMP.astype(int))
    tags["PhotometricInterpretation"] = "MONOCHROME1"
    assert np.array_equal(_integers(read_file(making.dicom(RAMP, bits=12, **tags))), RAMP)


def test_signed_pixels_are_placed_in_the_signed_range(read_file: Any) -> None:
    signed = (RAMP.astype(int) - 2048).astype(np.int16)
    assert np.array_equal(_integers(read_file(making.dicom(signed, bits=12))), RAMP)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_padded_border_becomes_black_and_padding_within_the_film_stays(read_file: Any, photometric: str) -> None:
    tags = {"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 4095}
    stored = RAMP.copy()
    stored[10:12, 10:12] = 4050  # a mark on the film
    film = read_file(making.dicom(stored, bits=12, PhotometricInterpretation=photometric, **tags))
    values = _integers(film)
    padded = RAMP >= 4000
    assert (values[10:12, 10:12] == (45 if photometric == "MONOCHROME1" else 4050)).all()
    values[10:12, 10:12] = (4095 - RAMP if photometric == "MONOCHROME1" else RAMP)[10:12, 10:12]
    assert not values[padded].any()
    assert np.array_equal(values[~padded], (4095 - RAMP.astype(int) if photometric == "MONOCHROME1" else RAMP)[~padded])


def test_overlay_bits_above_the_stored_ones_are_no_pixels(read_file: Any) -> None:
    assert np.array_equal(_integers(read_file(making.dicom(RAMP | 0x8000, bits=12))), RAMP)


@pytest.mark.parametrize("sop_class", [making.CR, making.DX])
@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_native_syntaxes_give_the_same_pixels(read_file: Any, syntax: str, sop_class: str) -> None:
    film = read_file(making.dicom(RAMP, bits=12, syntax=syntax, sop_class=sop_class))
    assert np.array_equal(_integers(film), RAMP)


COMPRESSED = {
    uid.JPEG2000Lossless: making.j2k,
    uid.JPEGLSLossless: making.jpeg_ls,
    uid.RLELossless: lambda pixels, bits: making.rle(pixels),
    uid.JPEGLosslessSV1: making.jpeg_lossless,
    uid.JPEGLossless: making.jpeg_lossless,
}


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda syntax: syntax.name)
def test_lossless_syntaxes_give_the_same_pixels(read_file: Any, syntax: uid.UID, bits: int) -> None:
    pixels = making.ramp(bits=bits)
    film = read_file(making.dicom(pixels, bits=bits, syntax=syntax, frame=COMPRESSED[syntax](pixels, bits=bits)))
    assert np.array_equal(_integers(film), pixels)
    native = read_file(making.dicom(pixels, bits=bits))
    assert film.pixel_sha256 == native.pixel_sha256


def test_a_j2k_stream_of_more_bits_than_stored_keeps_its_values(read_file: Any) -> None:
    frame = making.j2k(RAMP, bits=16)
    film = read_file(making.dicom(RAMP, bits=12, syntax=uid.JPEG2000Lossless, frame=frame))
    assert np.array_equal(_integers(film), RAMP)


def test_baseline_jpeg_is_near_the_original(read_file: Any) -> None:
    pixels = making.ramp()
    frame = making.image(pixels, "jpeg", quality=98)
    film = read_file(making.dicom(pixels, bits=8, syntax=uid.JPEGBaseline8Bit, frame=frame + bytes(len(frame) % 2)))
    assert np.abs(_integers(film) - pixels).max() <= 4


def test_extended_jpeg_of_12_bits_is_near_the_original(read_file: Any) -> None:
    frame = making.jpeg_12(RAMP)
    film = read_file(making.dicom(RAMP, bits=12, syntax=uid.JPEGExtended12Bit, frame=frame))
    assert np.abs(_integers(film) - RAMP).max() <= 40


def test_jpeg_lossless_without_the_extra_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.data import dicom
    from unseen.data.decoder_protocol import DecoderLimits, Refused

    data = making.dicom(RAMP, bits=12, syntax=uid.JPEGLosslessSV1, frame=making.jpeg_lossless(RAMP, bits=12))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"unseen\[dicom-lossless\]"):
        dicom.read_dicom(data, bare=False, limits=DecoderLimits())


def test_pixels_are_those_of_pydicom(read_file: Any, tmp_path: Path) -> None:
    data = making.dicom(RAMP, bits=12, syntax=uid.RLELossless, frame=making.rle(RAMP))
    film = read_file(data)
    assert np.array_equal(_integers(film), dcmread(tmp_path / "film").pixel_array)


def test_a_film_without_preamble_is_read_as_implicit_little_endian(read_file: Any) -> None:
    assert np.array_equal(_integers(read_file(making.bare(making.data_set(RAMP, bits=12)))), RAMP)


@pytest.mark.parametrize("cut", [128, 132])
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_a_film_that_begins_with_its_file_meta_is_read(read_file: Any, syntax: str, cut: int) -> None:
    data = making.dicom(RAMP, bits=12, syntax=syntax)
    assert np.array_equal(_integers(read_file(data[cut:])), RAMP)


def test_a_compressed_film_without_preamble_is_read_by_its_file_meta(read_file: Any) -> None:
    data = making.dicom(RAMP, bits=12, syntax=uid.RLELossless, frame=making.rle(RAMP))
    assert np.array_equal(_integers(read_file(data[132:])), RAMP)


def test_a_film_without_preamble_and_file_meta_is_read_as_explicit_little_endian(read_file: Any) -> None:
    data = making.dicom(RAMP, bits=12)
    assert np.array_equal(_integers(read_file(data[file_meta(data).end :])), RAMP)


def test_a_film_in_big_endian_without_preamble_and_file_meta_is_named(read_file: Any) -> None:
    data = making.dicom(RAMP, bits=12, syntax=uid.ExplicitVRBigEndian)
    assert "perhaps DICOM in big endian" in read_file(data[file_meta(data).end :]).reason


def test_without_preamble_another_object_is_refused(read_file: Any) -> None:
    capture = making.data_set(RAMP, bits=12, sop_class="1.2.840.10008.5.1.4.1.1.7")
    assert "CR or DX" in read_file(making.bare(capture)).reason


def test_an_identifier_is_read_whole_up_to_the_length_of_an_explicit_vr(read_file: Any) -> None:
    longest = {"PatientID": "é" * 65_534, "AccessionNumber": "a" * 65_534, "StudyDate": "2" * 65_534}
    tags = {"SpecificCharacterSet": "ISO_IR 192", **longest}
    film = read_file(making.dicom(RAMP, bits=12, syntax=uid.ImplicitVRLittleEndian, **tags))
    assert {keyword: film.identifiers[keyword] for keyword in longest} == longest
    tags["PatientID"] = "p" * 65_535
    refused = read_file(making.dicom(RAMP, bits=12, syntax=uid.ImplicitVRLittleEndian, **tags))
    assert refused.reason == "PatientID has 65,535 characters, the limit is 65,534. Correct the header."


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "for processing": ({"sop_class": f"{making.DX}.1"}, "For Processing"),
    "processing intent": ({"PresentationIntentType": "FOR PROCESSING"}, "Presentation Intent Type"),
    "secondary capture": ({"sop_class": "1.2.840.10008.5.1.4.1.1.7"}, "Secondary Capture"),
    "structured report": ({"sop_class": "1.2.840.10008.5.1.4.1.1.88.11", "PixelData": None}, "Basic Text SR"),
    "encapsulated pdf": ({"sop_class": "1.2.840.10008.5.1.4.1.1.104.1", "PixelData": None}, "Encapsulated PDF"),
    "no pixels": ({"PixelData": None}, "no Pixel Data"),
    "frames": ({"NumberOfFrames": 2}, "NumberOfFrames is 2"),
    "colour": ({"SamplesPerPixel": 3}, "SamplesPerPixel is 3"),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, "PALETTE COLOR"),
    "bits stored": ({"BitsStored": 17}, "BitsStored is 17"),
    "few bits": ({"BitsStored": 1}, "BitsStored is 1"),
    "high bit": ({"HighBit": 15}, "HighBit is 15"),
    "rows lie": ({"Rows": 41}, "Pixel Data has"),
    "rows lie low": ({"Rows": 39}, "Pixel Data has"),
    "too many pixels": ({"Rows": 60_000, "Columns": 60_000}, "the limit is"),
    "too small": ({"Rows": 16}, "too small"),
    "slope zero": ({"RescaleSlope": 0, "RescaleIntercept": 1}, "Rescale Slope is 0"),
    "slope nan": ({"RescaleSlope": "nan", "RescaleIntercept": 1}, "not a finite number"),
    "intercept inf": ({"RescaleSlope": 1, "RescaleIntercept": "inf"}, "not a finite number"),
    "contradiction": ({"PresentationLUTShape": "INVERSE"}, "contradicts itself"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_film_is_refused_with_the_reason(read_file: Any, case: str) -> None:
    tags, words = REFUSED[case]
    result = read_file(making.dicom(RAMP, bits=12, **tags))
    assert isinstance(result, NotRead)
    assert words in result.reason


def test_deflated_is_refused_before_it_inflates(read_file: Any) -> None:
    result = read_file(making.deflated(RAMP, bits=12))
    assert isinstance(result, NotRead)
    assert "Deflated" in result.reason


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda syntax: syntax.name)
def test_a_codestream_of_another_size_than_the_header_is_refused(read_file: Any, syntax: uid.UID, by: int) -> None:
    frame = COMPRESSED[syntax](RAMP, bits=12)
    for tags in ({"Rows": 40 + by}, {"Columns": 48 + by}):
        result = read_file(making.dicom(RAMP, bits=12, syntax=syntax, frame=frame, **tags))
        assert isinstance(result, NotRead), tags


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda syntax: syntax.name)
def test_a_cut_off_codestream_is_refused(read_file: Any, syntax: uid.UID) -> None:
    frame = COMPRESSED[syntax](RAMP, bits=12)
    for share in (0.1, 0.5, 0.9):
        cut = frame[: int(len(frame) * share) // 2 * 2]
        assert isinstance(read_file(making.dicom(RAMP, bits=12, syntax=syntax, frame=cut)), NotRead)


def test_the_same_film_in_two_formats_has_one_pixel_digest(shared_data: Path) -> None:
    raw = shared_data / "cxr_raw"
    dicom_film, png_film = films([raw / "cr_mono1_10bit.dcm", raw / "grey16_10bit_440.png"])
    assert isinstance(dicom_film, Film)
    assert isinstance(png_film, Film)
    assert dicom_film.bits == png_film.bits == 10
    assert dicom_film.pixel_sha256 == png_film.pixel_sha256
    assert dicom_film.file_sha256 != png_film.file_sha256
    stored = np.rint(png_film.pixels * 1023)
    window = np.clip(((1023 - stored) - 549.5) / 1023 + 0.5, 0, 1)  # of the DICOM file: centre 550, width 1024
    assert np.abs(dicom_film.pixels - (1 - window)).max() < 1e-5, "the PNG has no window"
