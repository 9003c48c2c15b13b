"""Squares and discs: their pixels, their ranges, that they never touch, and that edges are smooth."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from unseen.data.drawn_shapes import _covered, _drawn, _overlap, squares_and_circles


def drawn(n: int, size: int, seed: int = 0) -> torch.Tensor:
    return squares_and_circles(n, size, torch.Generator().manual_seed(seed))


@settings(max_examples=40)
@given(n=st.integers(0, 6), size=st.integers(16, 70), seed=st.integers(0, 2**31))
def test_any_number_of_any_size(n: int, size: int, seed: int) -> None:
    images = drawn(n, size, seed)
    assert images.shape == (n, 1, size, size) and images.dtype == torch.float32
    assert bool(((images >= 0) & (images <= 1)).all())
    assert torch.equal(images, drawn(n, size, seed))


def test_a_image_has_two_shapes_a_pixel_apart_and_whole() -> None:
    size = 32
    (square, disc), (half, radius), _ = (part.unbind(dim=1) for part in _drawn(500, size, torch.Generator()))
    turn = torch.linspace(0, 2 * torch.pi, 721).double()
    edge = disc[:, None] + radius[:, None, None] * torch.stack([turn.cos(), turn.sin()], dim=1)  # (n, 721, 2)
    beside = ((edge - square[:, None]).abs() - half[:, None, None]).clamp(min=0)
    assert torch.linalg.vector_norm(beside, dim=2).min() > 1 - 1e-6
    for place, reach in ((square, half), (disc, radius)):
        assert bool(((place - reach[:, None] >= 0) & (place + reach[:, None] <= size)).all())


def test_in_a_image_two_shapes_are_seen() -> None:
    images = drawn(200, 128)[:, 0].numpy()
    seen = [ndimage.label(image > 0.15)[1] for image in images]
    assert set(seen) <= {1, 2} and seen.count(2) >= 195, "edges a pixel apart may fall on neighbouring pixels"


def test_places_sizes_and_brightness_vary_over_their_ranges() -> None:
    place, reach, brightness = _drawn(2000, 64, torch.Generator().manual_seed(0))
    assert not bool(_overlap(place, reach).any())
    for values, low, high in ((reach / 64, 0.1, 0.22), (brightness, 0.3, 1.0)):
        assert values.min() >= low and values.max() <= high
        assert values.min() < low + 0.05 * (high - low) and values.max() > high - 0.05 * (high - low)
    assert place.amin() < 0.15 * 64 and place.amax() > 0.85 * 64
    assert place.std(dim=0).min() > 0.15 * 64, "both shapes, in both directions"


def test_areas_are_those_of_a_whole_square_and_a_whole_disc() -> None:
    size = 64
    images = drawn(50, size)[:, 0].double()
    _, reach, brightness = _drawn(50, size, torch.Generator().manual_seed(0))
    expected = brightness[:, 0] * (2 * reach[:, 0]) ** 2 + brightness[:, 1] * torch.pi * reach[:, 1] ** 2
    torch.testing.assert_close(images.sum(dim=(1, 2)), expected, rtol=2e-3, atol=0)


def test_a_pixels_share_is_exact_along_a_line() -> None:
    offsets = torch.arange(-5, 6).double() + 0.3
    shares = _covered(offsets, torch.tensor(2.2).double())
    assert shares.sum() == pytest.approx(4.4)
    assert _covered(torch.zeros(1), torch.tensor(0.2)).item() == pytest.approx(0.4), "a shape within one pixel"


def test_edges_are_grey_so_that_a_small_move_changes_little() -> None:
    images = drawn(100, 32)
    full = images.flatten(2).amax(dim=2)[:, :, None, None]
    between = (images > 0) & (images < 0.29)
    assert between.flatten(1).any(dim=1).all() and full.min() > 0.29


def test_impossible_numbers_are_told() -> None:
    for n, size in ((-1, 32), (3, 15)):
        with pytest.raises(ValueError, match=f"n is at least 0 and size at least 16 .* got n={n}, size={size}"):
            drawn(n, size)
