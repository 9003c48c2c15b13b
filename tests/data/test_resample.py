"""`area`: means where the grid gets coarser, lines where it gets finer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.measure import block_reduce

from unseen.data.film import area


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
def test_whole_factors_are_block_means(seed: int, down: int, across: int) -> None:
    pixels = np.random.default_rng(seed).random((6 * down, 5 * across), np.float32)
    np.testing.assert_allclose(area(pixels, 6, 5), block_reduce(pixels, (down, across), np.mean), atol=1e-6)


def test_the_same_size_changes_nothing() -> None:
    pixels = np.random.default_rng(0).random((7, 9), np.float32)
    assert np.array_equal(area(pixels, 7, 9), pixels)


def test_upwards_is_bilinear() -> None:
    assert area(np.array([[0, 1]], np.float32), 1, 4).tolist() == [[0, 0.25, 0.75, 1]]


def test_a_box_is_the_crop() -> None:
    pixels = np.random.default_rng(0).random((20, 30), np.float32)
    np.testing.assert_allclose(area(pixels, 4, 5, box=(2, 5, 10, 25)), area(pixels[2:10, 5:25].copy(), 4, 5), atol=1e-6)


def test_the_range_is_kept_and_a_constant_stays() -> None:
    pixels = np.full((37, 53), 0.3, np.float32)
    np.testing.assert_allclose(area(pixels, 64, 11, box=(0.5, 1.25, 36.5, 50)), 0.3, atol=1e-6)


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, 5, 31), (5, 0, 4, 5)])
def test_a_box_without_area_or_outside_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="The box"):
        area(np.zeros((20, 30), np.float32), 4, 4, box=box)


@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(1, 150), st.integers(1, 60)), st.data())
def test_every_grid_is_pillows_bit_for_bit(seed: int, shape: tuple[int, int], drawn: st.DataObject) -> None:
    generator = np.random.default_rng(seed)
    pixels = generator.random(shape, np.float32)
    height, width = drawn.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    (top, bottom), (left, right) = (np.sort(generator.random(2)) * side for side in shape)
    if drawn.draw(st.booleans()):
        top, left, bottom, right = 0.0, 0.0, *map(float, shape)
    box_filter, bilinear = Image.Resampling.BOX, Image.Resampling.BILINEAR
    image = Image.fromarray(pixels).resize(
        (shape[1], height), box_filter if bottom - top >= height else bilinear, box=(0, top, shape[1], bottom)
    )
    image = image.resize(
        (width, height), box_filter if right - left >= width else bilinear, box=(left, 0, right, height)
    )
    assert np.array_equal(area(pixels, height, width, box=(top, left, bottom, right)), np.asarray(image))
