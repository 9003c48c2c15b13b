"""Measures of a frontal view: unchanged by flips and frames, and finite for any image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from unseen.screening.gate.frontal_view import LEAST_MIDLINE, LEAST_SYMMETRY, FrontalView


def measures(pixels: NDArray[Any]) -> list[float]:
    view = FrontalView.of(np.ascontiguousarray(pixels, dtype=np.float32))
    return [view.symmetry, view.midline, view.background]


def test_a_frontal_film_has_symmetry_and_a_bright_midline(shared_data: Path) -> None:
    for path in sorted((shared_data / "ms_cxr" / "images").glob("MCUCXR_*_0.png"))[:20]:
        with Image.open(path) as opened:
            view = FrontalView.of((np.asarray(opened.convert("L")) / 255).astype(np.float32))
        assert view.symmetry > LEAST_SYMMETRY and view.midline > LEAST_MIDLINE, path.name
        assert not view.lacks_frontal_features


def test_a_flipped_or_framed_image_has_the_same_measures(shared_data: Path) -> None:
    for path in sorted((shared_data / "views" / "images").glob("*.png"))[::9]:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("L").resize((256, 256))) / 255
        found = measures(pixels)
        assert measures(pixels[:, ::-1]) == pytest.approx(found, abs=0.02)
        for grey in (0, 1):
            assert measures(np.pad(pixels, ((0, 0), (40, 40)), constant_values=grey)) == pytest.approx(found, abs=0.05)


def test_symmetry_is_found_about_an_axis_that_is_not_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    half = ndimage.gaussian_filter(rng.random((64, 24)), 3)
    ends = ndimage.gaussian_filter(rng.random((64, 16)), 3)
    whole = np.concatenate([half, half[:, ::-1], ends], axis=1)
    whole = (whole - whole.min()) / np.ptp(whole)
    assert measures(whole)[0] > 0.95 > measures(ndimage.gaussian_filter(rng.random((64, 64)), 3))[0]


def test_an_image_of_one_grey_or_of_few_pixels_has_finite_measures() -> None:
    for pixels in (np.zeros((128, 128)), np.ones((128, 128)), np.full((9, 5), 0.5)):
        assert np.isfinite(measures(pixels)).all()
