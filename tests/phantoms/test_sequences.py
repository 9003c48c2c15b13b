"""Sequences: lazy, repeatable, sized; a film depends on its seed and index alone; files read back the same."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unseen.data import phantoms
from unseen.data.film import NotRead
from unseen.data.phantoms.sequences import Case, draw_film, draw_healthy, encode


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31), index=st.integers(0, 40), size=st.integers(64, 150))
def test_film_depends_on_seed_and_index_alone(seed: int, index: int, size: int) -> None:
    alone = phantoms.abnormals(index + 1, seed=seed, size=size)[index]
    again = phantoms.abnormals(index + 7, seed=seed, size=size)[index]
    assert alone.pixel_sha256 == again.pixel_sha256 and alone.file_sha256 == again.file_sha256
    assert alone.pixels.shape == (size, size) and alone.pixels.dtype == np.float32
    steps = alone.pixels * np.float32(255.0)
    assert np.array_equal(steps.round() / np.float32(255.0), alone.pixels)
    assert alone.file_bytes == len(encode(np.rint(steps).astype(np.uint8)))


@pytest.mark.nightly
def test_iterating_twice_gives_the_same_and_slicing_is_lazy() -> None:
    films = phantoms.twins(4, seed=2, size=64)
    first = [film.pixel_sha256 for film in films]
    assert first == [film.pixel_sha256 for film in films] == [films[i].pixel_sha256 for i in range(len(films))]
    assert [film.pixel_sha256 for film in films[3:7]] == first[3:7]
    assert len(phantoms.normals(10**5, size=64)) == 10**5
    assert len(set(first)) == len(first)


def test_normals_abnormals_and_twins_are_different_patients() -> None:
    films = [make(3, seed=1, size=64)[0] for make in (phantoms.normals, phantoms.abnormals, phantoms.twins)]
    assert len({film.patient for film in films}) == 3
    assert len({film.pixels.mean() for film in films}) == 3


def test_twins_share_patient_and_exposure_but_not_noise() -> None:
    films = list(phantoms.twins(8, seed=5, size=96))
    for normal, abnormal in zip(films[::2], films[1::2], strict=True):
        assert (normal.label, abnormal.label) == ("normal", "abnormal")
        assert normal.columns["twin"] == abnormal.columns["twin"] and normal.patient == abnormal.patient
        assert normal.lungs is not None and abnormal.lungs is not None
        assert np.array_equal(normal.lungs, abnormal.lungs)
        assert not np.array_equal(normal.pixels, abnormal.pixels)


def test_further_columns_say_what_was_drawn() -> None:
    normal, abnormal = phantoms.twins(1, size=64)
    assert dict(normal.columns) == {"kind": "none", "contrast": "none", "twin": "twin-0-0", "size_mm": ""}
    assert abnormal.columns["kind"] == "nodule" and 3.0 <= float(abnormal.columns["size_mm"]) <= 30.0
    assert normal.file_format == "phantom" and normal.source == "phantom" and normal.bits == 8


@pytest.mark.parametrize(
    ("n", "size", "message"), [(-1, 64, "n is -1"), (1, 63, "size is 63"), (1, 1025, "size is 1025")]
)
def test_what_cannot_be_drawn_is_said(n: int, size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        phantoms.normals(n, size=size)


def test_largest_film_is_drawn() -> None:
    assert phantoms.abnormals(1, size=1024)[0].pixels.shape == (1024, 1024)


def test_written_films_read_back_the_same(tmp_path: Path) -> None:
    from unseen.data import films

    made = list(phantoms.twins(4, seed=9, size=80))
    manifest = phantoms.write(made, tmp_path / "out")
    with manifest.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["twin"] for row in rows] == [film.columns["twin"] for film in made]
    read = list(films(manifest, masks=True, lesions=True))
    for before, after in zip(made, read, strict=True):
        assert not isinstance(after, NotRead)
        assert np.array_equal(before.pixels, after.pixels)
        assert (before.pixel_sha256, before.file_sha256, before.file_bytes) == (
            after.pixel_sha256, after.file_sha256, after.file_bytes,
        )  # fmt: skip
        assert (before.label, before.patient, before.source) == (after.label, after.patient, after.source)
        assert dict(before.columns) == dict(after.columns)
        assert after.lungs is not None and np.array_equal(before.lungs, after.lungs)  # type: ignore[arg-type]
        assert after.lesion is not None and np.array_equal(before.lesion, after.lesion)  # type: ignore[arg-type]


def test_write_refuses_two_films_of_one_name(tmp_path: Path) -> None:
    film = phantoms.normals(1, size=64)[0]
    with pytest.raises(ValueError, match=r"Two films are called phantom-normal-0-0-normal\.png"):
        phantoms.write([film, film], tmp_path)
    assert not list(tmp_path.glob("*manifest*"))  # which would name one film as if it were all


def test_digest_of_the_file_is_that_of_the_png() -> None:
    case = Case(seed=0, stream="normal", index=0, size=64, kind=None)
    film = draw_film(case, draw_healthy(case))
    png = encode(np.rint(film.pixels * 255).astype(np.uint8))
    assert hashlib.sha256(png).hexdigest() == film.file_sha256
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.rint(film.pixels * 255))


def test_pairs_of_one_contrast_are_those_among_all_pairs() -> None:
    every = [film for film in phantoms.twins(12, seed=2, size=64) if film.columns["contrast"] == "obvious"]
    chosen = phantoms.twins(len(every), seed=2, size=64, contrast="obvious")
    assert [film.pixel_sha256 for film in chosen][1::2] == [film.pixel_sha256 for film in every]
    with pytest.raises(ValueError, match="faint, moderate, obvious"):
        phantoms.twins(1, contrast="striking")  # type: ignore[arg-type]
