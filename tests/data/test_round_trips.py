"""Whatever integers go into a lossless file come out of it, exactly; the readers of PIL and pydicom agree."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread, uid

from tests.data import making
from unseen.data.film import Film
from unseen.data.reading import films


def _read(data: bytes) -> Film:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        path.write_bytes(data)
        [film] = films(path)
    assert isinstance(film, Film), film
    return film


def _random(seed: int, height: int, width: int, bits: int) -> np.ndarray[Any, Any]:
    pixels = np.random.default_rng(seed).integers(0, 2**bits, (height, width))
    pixels[0, 0] = 2**bits - 1  # so that a 16-bit PNG says how many bits it has
    return pixels.astype(np.uint8 if bits == 8 else np.uint16)


sizes = st.integers(32, 70)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=25)
@given(seeds, sizes, sizes, st.sampled_from([8, 10, 12, 14, 16]))
def test_png_round_trips_are_exact(seed: int, height: int, width: int, bits: int) -> None:
    pixels = _random(seed, height, width, bits)
    data = making.image(pixels)
    film = _read(data)
    assert film.bits == bits
    assert np.array_equal(film.pixels, (pixels / np.float64(2**bits - 1)).astype(np.float32))
    assert np.array_equal(np.rint(film.pixels * (2**bits - 1)), np.asarray(Image.open(io.BytesIO(data))))


@settings(max_examples=40)
@given(
    seeds,
    sizes,
    sizes,
    st.integers(8, 16),
    st.booleans(),
    st.booleans(),
    st.sampled_from([uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless]),
)
def test_dicom_round_trips_are_exact(
    seed: int, height: int, width: int, bits: int, signed: bool, inverted: bool, syntax: uid.UID
) -> None:
    pixels = _random(seed, height, width, bits)
    stored = pixels
    if signed:
        stored = (pixels.astype(int) - 2 ** (bits - 1)).astype(np.int8 if bits == 8 else np.int16)
    frames = {uid.RLELossless: making.rle, uid.JPEG2000Lossless: lambda p: making.j2k(p, bits=bits)}
    frame = frames[syntax](stored) if syntax in frames else None
    photometric = "MONOCHROME1" if inverted else "MONOCHROME2"
    data = making.dicom(stored, bits=bits, syntax=syntax, frame=frame, PhotometricInterpretation=photometric)
    film = _read(data)
    expected = 2**bits - 1 - pixels.astype(int) if inverted else pixels
    assert np.array_equal(film.pixels, (expected / np.float64(2**bits - 1)).astype(np.float32))
    assert np.array_equal(dcmread(io.BytesIO(data)).pixel_array, stored)
