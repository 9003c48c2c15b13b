"""Alignment: a turned film looks as it did before, and what was found on it goes back to its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from tests.anatomy.conftest import film_of, noise, rectangle
from unseen.anatomy.alignment import AREA, LONGEST, Alignment, slope
from unseen.anatomy.network_view import View, Viewed
from unseen.data import phantoms
from unseen.data.film import area

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def two_lungs(side: int = 128) -> Mask:
    """Return two ellipses of one size, level."""
    rows, columns = np.mgrid[:side, :side] / side
    return np.asarray([((rows - 0.5) / 0.3) ** 2 + ((columns - middle) / 0.13) ** 2 < 1 for middle in (0.3, 0.7)]).any(
        axis=0
    )


def turned(image: Floats | Mask, degrees: float, *, shift: tuple[float, float] = (0, 0), scale: float = 1) -> Floats:
    """About the middle, then moved by pixels and made `scale` times as large."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    middle = (np.array(image.shape) - 1) / 2
    offset = middle - matrix @ (middle + shift)
    return np.asarray(ndimage.affine_transform(image.astype(np.float32), matrix, offset, order=1, mode="nearest"))


@given(st.floats(-15, 15), st.integers(-8, 8), st.integers(-8, 8), st.floats(0.8, 1.1))
@settings(max_examples=25, deadline=None)
def test_lungs_come_to_lie_level_in_the_middle_and_of_the_templates_area(
    degrees: float, down: int, across: int, scale: float
) -> None:
    lungs = turned(two_lungs(), degrees, shift=(down, across), scale=scale) > 0.5
    assert np.rad2deg(abs(slope(lungs))) == pytest.approx(abs(degrees), abs=0.5)
    there = Alignment.of(lungs, 128, 128).mask(lungs)
    assert np.rad2deg(slope(there)) == pytest.approx(0, abs=0.5)
    assert ndimage.center_of_mass(there) == pytest.approx((63.5, 63.5), abs=0.5)
    assert there.mean() == pytest.approx(AREA, rel=0.03)  # the mask has whole pixels


def test_a_turned_film_looks_as_it_did_before() -> None:
    """And without alignment it does not: by five times as much."""
    film = phantoms.normals(1, seed=3)[0]
    assert film.lungs is not None
    for degrees in (-9.0, 9.0):
        other = film_of(
            turned(film.pixels, degrees, shift=(3, -4)), lungs=turned(film.lungs, degrees, shift=(3, -4)) > 0.5
        )
        assert _apart(View(align=True), film.pixels, film.lungs, other.pixels, other.lungs) < 0.03
        assert _apart(View(), film.pixels, film.lungs, other.pixels, other.lungs) > 0.1


def _apart(view: View, one: Floats, its: Mask | None, other: Floats, others: Mask | None) -> float:
    first, second = view(film_of(one), its), view(film_of(other), others)
    both = (first.inside & second.inside).numpy()
    return float(np.abs(first.image.numpy() - second.image.numpy())[both].mean())


@pytest.mark.parametrize("frame", ["lungs", "whole"])
@pytest.mark.parametrize("aspect", ["stretch", "pad"])
def test_what_is_found_on_the_aligned_grid_goes_back_to_its_place(frame: str, aspect: str) -> None:
    """A bright spot in a lung of a turned film, not square, is found where the film has it."""
    lungs = (turned(two_lungs(200), 8) > 0.5)[:160]
    pixels = np.full((160, 200), 0.4, dtype=np.float32)
    pixels[86:94, 128:136] = 1.0
    film = film_of(pixels + 0.05 * noise(160, 200).pixels)
    viewed = View(align=True, frame=frame, aspect=aspect)(film, lungs)
    back = viewed.turned_back(viewed.image[0].numpy())
    expected = viewed.upright.on_grid((pixels == 1).astype(np.float32))
    assert np.array(_peak(back)) == pytest.approx(_peak(expected), abs=1.0)
    aligned = viewed.on_grid((pixels == 1).astype(np.float32))
    assert np.array(_peak(viewed.image[0].numpy())) == pytest.approx(_peak(aligned), abs=1.0)  # on its own grid, too
    assert np.array(_peak(viewed.image[0].numpy())) != pytest.approx(
        _peak(expected), abs=1.5
    )  # so something was undone


def _peak(image: Floats) -> tuple[float, ...]:
    """Return the middle of what is near the brightest."""
    return tuple(float(at) for at in ndimage.center_of_mass(image > 0.5 * image.max()))


def test_without_alignment_a_map_stays_as_it_is() -> None:
    viewed = View()(noise(80, 80), rectangle((80, 80), 10, 10, 70, 70))
    image = viewed.image[0].numpy()
    assert viewed.turned_back(image) is image and viewed.upright is viewed


def test_the_audit_sees_the_film_as_it_came() -> None:
    lungs = turned(two_lungs(), 5, scale=0.7) > 0.5
    viewed = View(align=True)(noise(128, 128), lungs)
    assert viewed.lung_area == pytest.approx(float(lungs.mean()))
    assert viewed.upright.lung_area == viewed.lung_area and viewed.upright.aligned is None


def test_without_lungs_the_film_is_looked_at_as_it_came() -> None:
    film, none = noise(90, 80), np.zeros((64, 64), dtype=bool)
    plain: Viewed = View()(film, none)
    found = View(align=True)(film, none)
    assert found.aligned is None and (found.image == plain.image).all() and found.lung_area == 0
    with pytest.raises(ValueError, match="there are no lungs to align by"):
        Alignment.of(none, 90, 80)


def test_alignment_asks_for_lungs_whatever_the_frame() -> None:
    assert View(frame="whole", align=True).needs_lungs
    with pytest.raises(ValueError, match=r"drawn.png: alignment needs a lung mask"):
        View(frame="whole", align=True)(noise(64, 64))


def test_a_lung_that_was_not_found_turns_nothing() -> None:
    one = rectangle((100, 100), 10, 10, 40, 30) | rectangle((100, 100), 60, 40, 95, 60)  # 50 degrees
    assert slope(one) == 0
    lung = two_lungs()
    lung[:, 64:] = False
    for degrees in (0, 3, 8):
        assert slope(turned(lung, degrees) > 0.5) == 0  # it leans, and may have been born so


def test_lungs_that_run_together_are_parted_and_a_speck_is_no_lung() -> None:
    together = two_lungs()
    together[60:68, 40:90] = True
    for degrees in (0.0, 6.0):
        one = turned(together, degrees) > 0.5
        assert np.rad2deg(abs(slope(one))) == pytest.approx(degrees, abs=1.0)
        speck = one.copy()
        speck[4:8, 4:8] = True
        assert slope(speck) == slope(one)


def test_a_large_film_is_made_smaller_first() -> None:
    by = Alignment.of(two_lungs(64), 3000, 2400)
    assert max(by.shape) == LONGEST and by.came == (3000, 2400)


def test_a_view_without_alignment_is_written_as_it_always_was() -> None:
    assert "align" not in View().model_dump(mode="json") and View(align=True).model_dump()["align"] is True


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(40, 400), st.integers(40, 400)))
def test_pixels_and_masks_are_scipys_bit_for_bit_whole_and_in_a_box(seed: int, shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(seed)
    pixels = generator.random(shape, np.float32)
    lungs = ndimage.gaussian_filter(generator.normal(size=(64, 64)), 5) > 0.01
    alignment = Alignment.of(lungs, *shape)
    size = np.array(alignment.shape, dtype=np.float64)
    matrix = alignment.matrix * size[:, None] / size[None]
    offset = alignment.offset * size + matrix @ np.full(2, 0.5) - 0.5
    whole = ndimage.affine_transform(area(pixels, *alignment.shape), matrix, offset, order=1, mode="nearest")
    assert np.array_equal(alignment.image(pixels), whole)
    mask = ndimage.affine_transform(area(lungs.astype(np.float32), *alignment.shape), matrix, offset, order=1) > 0.5
    assert np.array_equal(alignment.mask(lungs), mask)
    (top, bottom), (left, right) = (np.sort(generator.random(2)) * side for side in alignment.shape)
    part = slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))
    assert np.array_equal(alignment.image(pixels, box=(top, left, bottom, right))[part], whole[part])
