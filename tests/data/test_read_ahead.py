"""Films that other processes decode ahead: the same films, in order, and only a few of them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from unseen.data import phantoms
from unseen.data.film import Film, NotRead
from unseen.data.reading import NotReadError, films

pytestmark = pytest.mark.usefixtures("forked_decoders")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    phantoms.write(phantoms.normals(12, seed=3, size=64), tmp_path)
    (tmp_path / "films" / "broken.png").write_bytes(b"\x89PNG no film")
    return tmp_path / "films"


@pytest.mark.parametrize("decoders", [pytest.param(1, marks=pytest.mark.nightly), 2, None])
def test_the_same_films_come_in_the_same_order(folder: Path, decoders: int | None) -> None:
    one_by_one = list(films(folder))
    ahead = list(films(folder).read_ahead(decoders))
    assert [film.name for film in ahead] == [film.name for film in one_by_one]
    for there, here in zip(ahead, one_by_one, strict=True):
        if isinstance(here, Film):
            assert isinstance(there, Film)
            assert np.array_equal(there.pixels, here.pixels)
            assert there.pixel_sha256 == here.pixel_sha256
        else:
            assert there == here


def test_only_a_few_films_are_read_ahead(folder: Path) -> None:
    (folder / "broken.png").unlink()
    reading = films(folder).read_ahead(1)
    next(reading)
    time.sleep(1)  # time enough to read them all
    for path in folder.iterdir():
        path.unlink()
    rest = list(reading)
    assert sum(isinstance(film, Film) for film in rest) <= 1
    assert isinstance(rest[-1], NotRead)


def test_strict_reading_ends_at_the_first_that_is_not_read(folder: Path) -> None:
    with pytest.raises(NotReadError, match="broken"):
        list(films(folder, strict=True).read_ahead(1))


def test_reading_can_be_given_up(folder: Path) -> None:
    reading = films(folder).read_ahead(2)
    first = next(reading)
    reading.close()
    assert isinstance(first, Film | NotRead)
    assert len(list(films(folder).read_ahead(2))) == 13
