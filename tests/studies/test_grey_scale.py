"""The study of the grey scale: every way holds the same film."""

from __future__ import annotations

import numpy as np

from studies.grey_scale import WAYS, stored_in_all_ways
from unseen.data import phantoms
from unseen.data.film import Film


def test_each_way_stores_the_same_film() -> None:
    film = phantoms.normals(1, seed=5, size=64)[0]
    assert isinstance(film, Film)
    read = dict(stored_in_all_ways(film))
    assert list(read) == list(WAYS) and len(WAYS) == 10
    for way, found in read.items():
        assert isinstance(found, Film), way
        assert np.abs(found.pixels - film.pixels).max() <= 1.5 / 255, way
