"""Answers travel in fewer bytes: films without loss, text and JSON as gzip, streams of events as they are."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.data.making import dicom
from tests.web.conftest import Api
from tests.web.test_viewing import noise, samples_of, sent
from unseen.data import phantoms
from unseen.data.decode import shared_decoder
from unseen_server.web.film_residuals import compressed, residuals

FILMS = Path(os.environ.get("UNSEEN_DATA", "")) / "cxr_raw"
SIDES = (3000, 2500)


def restored(planes: bytes, height: int, width: int) -> NDArray[np.uint16]:
    """Decode what `web/images.py` describes, sample by sample: slow, and written from the description alone."""
    low, high = np.frombuffer(planes, np.uint8).astype(int).reshape(2, height, width)
    coded = low + 256 * high
    difference = np.where(coded % 2 == 0, coded // 2, -(coded + 1) // 2)
    samples = np.zeros((height, width), int)
    for y in range(height):
        for x in range(width):
            if y == 0:
                left = up = corner = samples[0, x - 1] if x else 0
            else:
                up = samples[y - 1, x]
                left, corner = (samples[y, x - 1], samples[y - 1, x - 1]) if x else (up, up)
            predicted = sorted((left, up, left + up - corner))[1]
            samples[y, x] = (predicted + difference[y, x]) % 2**16
    return samples.astype(np.uint16)


def as_from_a_detector(*, measured: int, bits: int) -> NDArray[np.uint16]:
    """Return a phantom of 15 MB whose noise is that of the real films in cxr_raw: 4.3 bits a sample, or a little more.

    Args:
        measured: bits that the detector measured; they are stored as the highest of `bits`.
    """
    film = Image.fromarray(next(iter(phantoms.normals(1, seed=3, size=250))).pixels)
    smooth = np.asarray(film.resize(SIDES[::-1], Image.Resampling.BICUBIC)) * (2**measured - 1)
    grain = np.random.default_rng(bits).normal(0, 10, SIDES).astype(np.float32)  # grey values
    return np.clip(smooth + grain, 0, 2**measured - 1).astype(np.uint16) << (bits - measured)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (33, 40), (70, 31)])
@pytest.mark.parametrize("bits", [1, 8, 12, 14, 15, 16])
def test_residuals_give_the_samples_back(shape: tuple[int, int], bits: int) -> None:
    rng = np.random.default_rng(bits)
    ends = rng.choice([0, 2**bits - 1], shape).astype(np.uint16)  # the largest differences
    for samples in (noise(bits, height=shape[0], width=shape[1], bits=bits), ends):
        found = residuals(samples, bits=bits)
        assert found.shape == (2, *shape)
        assert (restored(found.tobytes(), *shape) == samples).all()
        assert gzip.decompress(compressed(found)) == found.tobytes()


def test_the_server_sends_residuals_to_whoever_asks_and_takes_gzip(api: Api) -> None:
    film = sent(api, dicom(noise(4), bits=12))
    plain = api.reader.get(f"/films/{film}/pixels")
    packed = api.reader.get(f"/films/{film}/pixels?coding=residuals")
    bare = api.reader.get(f"/films/{film}/pixels?coding=residuals", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers and "content-encoding" not in bare.headers
    assert packed.content == bare.content  # the client has undone gzip
    assert packed.headers["x-film-ticket"] == plain.headers["x-film-ticket"]
    samples = samples_of(plain)
    assert (restored(packed.content, *samples.shape) == samples).all()


@pytest.mark.parametrize(("measured", "bits"), [pytest.param(12, 12, marks=pytest.mark.nightly), (14, 14), (12, 16)])
def test_a_film_of_15_mb_travels_as_6_mb_at_most(measured: int, bits: int) -> None:
    samples = as_from_a_detector(measured=measured, bits=bits)
    assert samples.nbytes == 15_000_000
    assert len(compressed(residuals(samples, bits=bits))) <= 6_000_000


@pytest.mark.skipif(not FILMS.is_dir(), reason="needs the real films of $UNSEEN_DATA/cxr_raw")
@pytest.mark.parametrize("name", ["cr_mono1_10bit.dcm", "mono2_12bit_rescale.dcm", "grey16_10bit_440.png"])
def test_real_films_take_less_than_a_third(name: str) -> None:
    film = shared_decoder().decode(FILMS / name)
    assert not isinstance(film, str), film
    assert len(compressed(residuals(film.pixels, bits=film.bits))) * 3 <= film.pixels.size * 2


def test_text_and_json_are_gzip_and_what_is_small_or_noise_is_not(api: Api) -> None:
    film = sent(api, dicom(noise(5), bits=12))

    def coding(path: str) -> str | None:
        answer = api.reader.get(path)
        assert answer.status_code == 200, answer.text
        return answer.headers.get("content-encoding")

    assert coding("/openapi.json") == "gzip"
    assert coding(f"{api.reader.base_url.copy_with(path='/static/js/viewer.js')}") == "gzip"
    assert coding(f"{api.reader.base_url.copy_with(path='/')}") == "gzip"
    assert coding("/health") is None
    assert coding(f"/films/{film}/pixels") is None


def test_events_are_not_held_back_by_gzip(api: Api) -> None:
    answer = api.reader.get("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in answer.headers


def test_who_does_not_take_gzip_gets_none(api: Api) -> None:
    answer = api.reader.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers and answer.json()["openapi"]
    assert answer.headers["vary"] == "Accept-Encoding" and answer.headers["cache-control"] == "no-store"
