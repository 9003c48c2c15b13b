"""`View`: units, geometry, and what happens where no lungs were found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.anatomy.conftest import film_of, noise, rectangle
from unseen.anatomy.network_view import View, Viewed


def test_zscore_is_taken_inside_the_mask_alone() -> None:
    film = noise(100, 120)
    film.pixels[:, 80:] += 5  # outside the lungs: must not count
    lungs = rectangle((100, 120), 20, 10, 80, 70)
    viewed = View(size=64)(film, lungs)
    inside = viewed.image.numpy()[viewed.inside.numpy()] * 3
    assert inside.mean() == pytest.approx(0, abs=1e-4)
    assert inside.std() == pytest.approx(1, abs=1e-4)


def test_zscore_over_the_whole_film_where_the_frame_is_whole() -> None:
    viewed = View(frame="whole", size=64)(noise(64, 64), rectangle((64, 64), 10, 10, 30, 30))
    assert viewed.image.mean().item() == pytest.approx(0, abs=1e-4)
    assert viewed.image.numpy().std() == pytest.approx(1 / 3, abs=1e-4)
    assert viewed.inside.all()


def test_zscore_is_clipped_at_three_standard_deviations() -> None:
    pixels = noise(64, 64).pixels * 0.1
    pixels[5, 5], pixels[6, 6] = 1.0, -1.0
    image = View(frame="whole", size=64)(film_of(pixels)).image
    assert image[0, 5, 5] == 1.0 and image[0, 6, 6] == -1.0
    assert image.min() == -1.0 and image.max() == 1.0


def test_range_maps_the_ends_of_the_nominal_range_to_minus_one_and_one() -> None:
    pixels = np.full((64, 64), 0.25, dtype=np.float32)
    pixels[0, 0], pixels[0, 1] = 0.0, 1.0
    image = View(frame="whole", scale="range", size=64)(film_of(pixels)).image
    assert (image[0, 0, 0], image[0, 0, 1], image[0, 1, 1]) == (-1.0, 1.0, -0.5)


def test_zscore_does_not_depend_on_exposure_and_range_does() -> None:
    film = noise(80, 80)
    other = film_of(film.pixels * 0.4 + 0.3)
    lungs = rectangle((80, 80), 10, 10, 70, 70)
    assert np.allclose(View(size=32)(film, lungs).image, View(size=32)(other, lungs).image, atol=1e-4)
    view = View(size=32, scale="range")
    assert not np.allclose(view(film, lungs).image, view(other, lungs).image, atol=0.1)


def test_a_film_of_one_grey_level_is_finite() -> None:
    assert (View(frame="whole", size=32)(film_of(np.full((40, 40), 0.5, np.float32))).image == 0).all()


def test_stretch_fills_the_grid_and_pad_keeps_the_proportions() -> None:
    film = noise(60, 120)
    stretched = View(frame="whole", size=64)(film)
    assert stretched.inner == (0, 0, 64, 64) and stretched.inside.all()
    padded = View(frame="whole", aspect="pad", size=64)(film)
    assert padded.inner == (16, 0, 32, 64)
    assert padded.inside[0, 16:48].all() and not padded.inside[0, :16].any() and not padded.inside[0, 48:].any()


@pytest.mark.parametrize(("scale", "padding"), [("range", -1.0), ("zscore", 0.0)])
def test_padding_is_black_in_range_and_the_mean_in_zscore(scale: str, padding: float) -> None:
    viewed = View(frame="whole", aspect="pad", scale=scale, size=32)(noise(40, 80))
    assert (viewed.image[~viewed.inside] == padding).all()


def test_a_padded_lung_box_keeps_its_proportions() -> None:
    viewed = View(aspect="pad", size=64)(noise(200, 100), rectangle((200, 100), 20, 20, 180, 60))
    top, left, bottom, right = viewed.box
    assert viewed.inner[3] / viewed.inner[2] == pytest.approx((right - left) / (bottom - top), rel=0.05)


def test_the_lungs_frame_covers_the_mask_with_a_margin() -> None:
    lungs = rectangle((200, 100), 50, 20, 150, 70)
    viewed = View(size=64)(noise(200, 100), lungs)
    assert viewed.box == pytest.approx((50 - 3, 20 - 1.5, 150 + 3, 70 + 1.5))
    assert viewed.lung_area == pytest.approx(100 * 50 / (200 * 100))
    assert viewed.lungs is not None and (viewed.lungs == viewed.inside).all()


def test_the_margin_ends_at_the_films_edge() -> None:
    viewed = View(size=64)(noise(100, 100), rectangle((100, 100), 0, 0, 100, 99))
    assert viewed.box[:3] == (0, 0, 100) and viewed.box[3] <= 100


@pytest.mark.parametrize("mask", [np.zeros((64, 64), bool), rectangle((64, 64), 3, 3, 5, 5)], ids=["empty", "a speck"])
@pytest.mark.parametrize("frame", ["lungs", "whole"])
def test_without_lungs_the_whole_film_is_looked_at_and_the_area_is_zero(mask: np.ndarray, frame: str) -> None:
    film = noise(90, 70)
    viewed = View(frame=frame, size=32)(film, mask)
    assert viewed.box == (0, 0, 90, 70) and viewed.lung_area == 0
    assert viewed.inside.all() and viewed.lungs is not None and viewed.lungs.all()
    assert np.array_equal(viewed.image, View(frame="whole", size=32)(film).image)


def test_without_a_mask_the_lungs_frame_is_an_error_and_the_whole_frame_is_not() -> None:
    with pytest.raises(ValueError, match=r"needs a lung mask; give a finder, or use View\(frame='whole'\)"):
        View(size=32)(noise(64, 64))
    viewed = View(frame="whole", size=32)(noise(64, 64))
    assert viewed.lungs is None and viewed.lung_area is None


def test_a_coarser_mask_gives_the_same_box_and_the_same_image() -> None:
    coarse = rectangle((32, 32), 6, 4, 27, 29)
    fine = np.kron(coarse, np.ones((5, 3), dtype=bool))
    film = noise(160, 96)
    one, other = View(size=64)(film, coarse), View(size=64)(film, fine)
    assert one.box == pytest.approx(other.box)
    assert one.lung_area == pytest.approx(other.lung_area)
    assert np.allclose(one.image, other.image, atol=0.02)
    assert (one.inside == other.inside).float().mean() > 0.98


@pytest.mark.parametrize("aspect", ["stretch", "pad"])
@pytest.mark.parametrize("frame", ["lungs", "whole"])
def test_on_grid_brings_a_lesion_to_where_the_image_has_it(frame: str, aspect: str) -> None:
    lesion = rectangle((150, 90), 60, 30, 75, 50)
    viewed = View(frame=frame, aspect=aspect, scale="range", size=64)(
        film_of(lesion.astype(np.float32)), rectangle((150, 90), 20, 10, 120, 80)
    )
    grid = viewed.on_grid(lesion)
    assert grid.shape == (64, 64) and grid.dtype == np.float32
    assert np.allclose(grid, (viewed.image[0] + 1) / 2, atol=1e-6)
    top, left, bottom, right = viewed.box
    rows, columns = np.nonzero(grid > 0.5)
    expected_row = viewed.inner[0] + (67.5 - top) / (bottom - top) * viewed.inner[2]
    expected_column = viewed.inner[1] + (40 - left) / (right - left) * viewed.inner[3]
    assert rows.mean() + 0.5 == pytest.approx(expected_row, abs=1)
    assert columns.mean() + 0.5 == pytest.approx(expected_column, abs=1)


def test_masked_is_zero_outside_and_untouched_inside() -> None:
    lungs = rectangle((64, 64), 8, 8, 30, 56) | rectangle((64, 64), 40, 8, 60, 20)
    viewed = View(size=32)(noise(64, 64), lungs)
    assert not viewed.inside.all()
    assert (viewed.masked[~viewed.inside] == 0).all()
    assert (viewed.masked[viewed.inside] == viewed.image[viewed.inside]).all()


@pytest.mark.parametrize("wrong", [{"size": 8}, {"frame": "heart"}, {"szie": 64}])
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        View(**wrong)


@given(
    height=st.integers(32, 300),
    width=st.integers(32, 300),
    mask_shape=st.tuples(st.integers(16, 130), st.integers(16, 130)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    speckle=st.floats(0, 0.5),
    size=st.sampled_from([16, 32, 33, 64]),
    frame=st.sampled_from(["lungs", "whole"]),
    aspect=st.sampled_from(["stretch", "pad"]),
    scale=st.sampled_from(["zscore", "range"]),
)
def test_any_film_and_any_mask_become_a_image(
    height: int,
    width: int,
    mask_shape: tuple[int, int],
    corners: tuple[float, float, float, float],
    speckle: float,
    size: int,
    frame: str,
    aspect: str,
    scale: str,
) -> None:
    rng = np.random.default_rng(height * 1000 + width)
    rows, columns = mask_shape
    (top, bottom), (left, right) = sorted(corners[:2]), sorted(corners[2:])
    mask = rectangle(mask_shape, int(top * rows), int(left * columns), int(bottom * rows), int(right * columns))
    mask &= rng.random(mask_shape) >= speckle
    film = film_of(rng.random((height, width), dtype=np.float32))
    viewed = View(frame=frame, aspect=aspect, scale=scale, size=size)(film, mask)
    _check_law(viewed, height=height, width=width, size=size)


@given(height=st.integers(32, 5000), mask_rows=st.sampled_from([48, 80, 96, 112, 320]))
def test_a_mask_that_reaches_the_edge_never_reaches_past_it(height: int, mask_rows: int) -> None:
    """height · (rows / height) may round to a little more than rows."""
    mask = np.ones((mask_rows, mask_rows), dtype=bool)
    viewed = View(size=16)(film_of(np.zeros((height, 32), np.float32)), mask)
    _check_law(viewed, height=height, width=32, size=16)


def _check_law(viewed: Viewed, *, height: int, width: int, size: int) -> None:
    assert viewed.image.shape == viewed.inside.shape == (1, size, size)
    assert viewed.image.isfinite().all() and viewed.image.abs().max() <= 1
    assert viewed.inside.any()
    assert viewed.lungs is not None and viewed.lungs.shape == (1, size, size)
    top, left, bottom, right = viewed.box
    assert 0 <= top < bottom <= height and 0 <= left < right <= width
    assert viewed.lung_area is not None and 0 <= viewed.lung_area <= 1
    assert viewed.on_grid(np.ones((height, width), bool)).shape == (size, size)
