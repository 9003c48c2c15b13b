"""Preparations of a film before a detector scores it: each preparation does what it says, and the row sets them side by
side."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.detectors.page import detectors_page
from studies.detectors.preparations.border import SHARE, without_border
from studies.detectors.preparations.comparing import AS_THEY_CAME, ROWS, CarriedLungs, preparations_row, ways
from studies.detectors.preparations.local_contrast import contrast_normalised
from studies.detectors.preparations.resolution import MatchedResolution
from tests.studies.conftest import World, recipe_of
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.evaluation.simple_statistics import image_statistics


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return list(phantoms.normals(12, seed=5))


def sharpness(film: Film) -> float:
    return image_statistics(film.pixels)["sharpness"]


def test_no_film_is_sharper_than_the_least_sharp_normals(films: list[Film]) -> None:
    matched = MatchedResolution.of(films)
    before, after = [sharpness(film) for film in films], [sharpness(matched(film)) for film in films]
    assert max(before) > 1.1 * matched.sharpness
    assert max(after) <= matched.sharpness and min(after) >= min(min(before), 0.99 * matched.sharpness)
    least = films[int(np.argmin(before))]
    assert (matched(least).pixels == least.pixels).all()  # not sharper than what is matched to: as it was


def test_the_border_goes_and_no_lung_with_it(films: list[Film]) -> None:
    film = films[0]
    assert film.lungs is not None
    inner = without_border(film)
    height, width = film.pixels.shape
    assert inner.pixels.shape[1] < width and inner.lungs is not None and inner.lungs.sum() == film.lungs.sum()
    bare = without_border(replace(film, lungs=None))
    assert bare.pixels.shape == (height - 2 * round(SHARE * height), width - 2 * round(SHARE * width))


@given(st.floats(0.3, 1.0), st.floats(0.0, 0.3))
@settings(max_examples=20, deadline=None)
def test_brightness_and_contrast_leave_no_trace(gain: float, lift: float) -> None:
    """But for ε, which keeps a flat film from becoming noise."""
    film = phantoms.normals(1, seed=5)[0]
    other = replace(film, pixels=(gain * 0.7 * film.pixels + lift).astype(np.float32))
    one, two = contrast_normalised(film).pixels, contrast_normalised(other).pixels
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.97
    assert one.min() >= 0 and one.max() <= 1
    flat = contrast_normalised(replace(film, pixels=np.full((64, 64), 0.3, np.float32)))
    assert flat.pixels == pytest.approx(0.5, abs=1e-3)


def test_lungs_go_with_the_film(films: list[Film]) -> None:
    film = films[0]
    assert CarriedLungs().find(film) is film.lungs
    with pytest.raises(ValueError, match="carries no lungs"):
        CarriedLungs().find(replace(film, lungs=None))


def test_the_row_sets_every_way_beside_the_films_as_they_came(world: World, films: list[Film]) -> None:
    """The row compares every preparation with the films as they came, for the recipe's own set and for another set.

    The page shows both sets.
    """
    folder = world.data / "elsewhere"
    if not folder.exists():
        shutil.copytree(world.data / "set", folder)
    rows = [preparations_row(recipe_of("pca"), elsewhere=place, root=world.root) for place in (None, "elsewhere")]
    for row, place in zip(rows, ("ms_cxr", "elsewhere"), strict=True):
        assert row["recipe"] == f"{ROWS}{place}/pca-64-lungs"
        assert [way["way"] for way in row["ways"]] == list(ways(films))
        came, *others = row["ways"]
        assert came["way"] == AS_THEY_CAME and came["change"] is None and all(way["change"] for way in others)
        assert len({json.dumps(way["auroc"]) for way in row["ways"]}) > 3  # they are not the same films
        aligned = next(way for way in others if way["way"] == "aligned")
        assert aligned["shortcut"] == came["shortcut"]
        assert aligned["sharpness"]["value"] == came["sharpness"]["value"]
    assert set(ways(films)) - set(ways(films, frame="whole")) == {"padded", "aligned, padded"}
    page = detectors_page({row["recipe"]: row for row in rows})
    assert "### `ms_cxr`" in page and "### `elsewhere`" in page and "| aligned, padded |" in page
    assert "- *border removed*: on lung crops the detectors change by " in page
