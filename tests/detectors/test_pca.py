"""`Pca` with a blur: the images are smoothed inside the mask before the subspace sees them."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter

from tests.detectors.conftest import Make
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.artifacts.recipe import RecipeError
from unseen.data.film import Film
from unseen.detectors.finding import Finding
from unseen.detectors.pca import Pca


def test_the_score_is_the_residual_of_the_smoothed_lungs(
    make: Make, normals: list[Film], incoming: list[Film], finder: CrossFittedLungs
) -> None:
    detector = make("pca", blur=1.5).fit(normals, finder=finder)
    assert isinstance(detector, Pca)
    for found in detector.score(incoming):
        assert isinstance(found, Finding)
        inside = found.viewed.inside[0].numpy()
        smooth = torch.from_numpy(gaussian_filter(found.viewed.masked[0].numpy(), 1.5) * inside)
        components = detector.subspace.components.double()
        centred = (smooth - detector.subspace.mean[0]).flatten().double()
        residual = centred - centred @ components.T @ components
        expected = float((residual.reshape(32, 32)[torch.from_numpy(inside)] ** 2).mean())
        assert found.score == pytest.approx(expected, rel=1e-4)


def test_without_a_blur_nothing_is_smoothed(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    sharp, soft = (make("pca", **given).fit(normals, finder=finder) for given in ({}, {"blur": 2.0}))
    assert isinstance(sharp, Pca) and isinstance(soft, Pca)
    assert sharp.subspace.spread.sum() > 1.2 * soft.subspace.spread.sum()


@pytest.mark.parametrize("blur", [0, -1, 65])
def test_a_blur_is_a_width(blur: float) -> None:
    with pytest.raises(RecipeError, match=r"pca\.blur"):
        Pca(blur=blur)
