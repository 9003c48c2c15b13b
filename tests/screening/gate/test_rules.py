"""The parts: limits, distances and mirror differences, each against a check from outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from unseen.data.film import Film
from unseen.screening.gate.embedding import Subspace
from unseen.screening.gate.features import VIEWS, Look, mirror_difference
from unseen.screening.gate.learnt_rules import Rule, upper_limit
from unseen.screening.gate.transforms import CROP, TRANSFORMS, disturbed


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_a_new_value_exceeds_the_limit_no_more_often_than_the_share(share: float) -> None:
    rng = np.random.default_rng(7)
    drawn = rng.exponential(size=(4000, 121))
    exceeds = np.mean([row[-1] > upper_limit(row[:-1], share=share) for row in drawn])
    assert exceeds <= share + 3 * np.sqrt(share / 4000)
    assert exceeds >= np.floor(share * 121) / 121 - 3 * np.sqrt(share / 4000)  # and not needlessly more seldom


def test_few_values_give_their_largest() -> None:
    assert upper_limit(np.array([3.0, 1.0, 2.0]), share=0.01) == 3.0


def test_distance_is_that_of_scikit_learns_principal_components() -> None:
    rng = np.random.default_rng(0)
    rows, new = rng.normal(size=(200, 12)) * np.arange(1, 13), rng.normal(size=(30, 12)) * 8
    ours = Subspace.fit(rows, components=4, scaled=False)
    theirs = PCA(4, svd_solver="full").fit(rows)
    variance = theirs.explained_variance_ * 199 / 200
    along = theirs.transform(new)
    rest = ((new - theirs.mean_) ** 2).sum(1) - (along**2).sum(1)
    rest_of_rows = ((rows - theirs.mean_) ** 2).sum(1) - (theirs.transform(rows) ** 2).sum(1)
    expected = (along**2 / variance).sum(1) + rest / (rest_of_rows.mean() / 8)
    assert ours.distance(new) == pytest.approx(expected, rel=1e-6)


def test_a_rule_finds_what_only_its_squares_tell() -> None:
    rng = np.random.default_rng(2)
    inner, outer = rng.normal(size=(400, 2)), rng.normal(size=(400, 2)) * 4
    space = Subspace.fit(inner, components=1, scaled=True)
    rule = Rule.fit(space.entries(inner), space.entries(outer))
    assert (rule(space.entries(np.array([[12.0, 0], [-12.0, 0], [0, 12.0], [0, -12.0]]))) > 0).all()
    assert rule(space.entries(np.zeros((1, 2))))[0] < 0


def test_flipping_the_film_changes_the_sign_of_its_mirror_difference(incoming: list[Film]) -> None:
    for film in incoming[:3]:
        lungs = np.zeros((32, 32), dtype=bool)  # a box of 21 of 32 columns: no pixel's centre on an edge of a cell
        lungs[5:22, 4:12] = lungs[7:24, 16:25] = True
        one = mirror_difference(Look.at(film.pixels, lungs))
        two = mirror_difference(Look.at(film.pixels[:, ::-1].copy(), lungs[:, ::-1].copy()))
        assert two == pytest.approx(-one, abs=1e-4)


@given(seed=st.integers(0, 10_000), height=st.integers(40, 200), width=st.integers(40, 200))
def test_a_transform_keeps_the_range_and_a_crop_its_share(seed: int, height: int, width: int) -> None:
    pixels = np.random.default_rng(0).random((height, width), dtype=np.float32)
    rng = np.random.default_rng(seed)
    for name, change in TRANSFORMS.items():
        changed = change(pixels, rng)
        assert changed.dtype == np.float32 and changed.min() >= 0 and changed.max() <= 1, name
    cut = TRANSFORMS["cropped"](pixels, rng)
    for kept, whole in zip(cut.shape, pixels.shape, strict=True):
        assert CROP[0] * whole - 1 <= kept <= CROP[1] * whole + 1
    strange = disturbed(pixels, rng)
    assert strange.dtype == np.float32 and np.isfinite(strange).all()


def test_any_image_has_finite_views(incoming: list[Film]) -> None:
    for pixels in (np.zeros((70, 90), np.float32), np.eye(64, dtype=np.float32), incoming[0].pixels):
        for lungs in (np.zeros((32, 32), bool), np.ones((32, 32), bool), np.eye(32, dtype=bool)):
            views = Look.at(pixels, lungs).views()
            assert set(views) == set(VIEWS) and all(np.isfinite(view).all() for view in views.values())
