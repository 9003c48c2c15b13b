"""`mahalanobis` with several places: a mean of features for each part of the grid."""

from __future__ import annotations

import pytest
import torch

from unseen.artifacts.recipe import RecipeError, validated
from unseen.detectors.mahalanobis import Mahalanobis
from unseen.detectors.normals import Normals


def fitted(places: int) -> tuple[Mahalanobis, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    cells, lungs = torch.randn(40, 80, 4, 4, generator=rng), torch.rand(40, 4, 4, generator=rng)
    detector = Mahalanobis(size=32, blocks=(7,), grid=4, places=places)
    detector.model = detector.build()
    vars(detector).update(cells=lambda images: cells, lungs=lambda inside: lungs)
    empty = torch.zeros(40, 1, 1, 1)
    detector.remember(Normals(empty, empty > 0, empty > 0, ("",) * 40), 0)
    return detector, cells, lungs


def test_score_of_four_places_is_the_mahalanobis_distance_of_their_means() -> None:
    detector, cells, lungs = fitted(2)
    score, parts = detector.marks(cells[0], lungs[0])
    means = (cells[0] * lungs[0]).reshape(80, 2, 2, 2, 2).mean(dim=(2, 4)).flatten()
    away = means - detector.model.mean
    assert score == pytest.approx(float(away @ detector.model.precision @ away), rel=1e-4)
    assert parts.shape == (4, 4) and len(detector.model.mean) == 320


def test_a_change_in_one_part_raises_the_score_more_with_places() -> None:
    gains = []
    for places in (1, 2):
        detector, cells, lungs = fitted(places)
        changed = cells[0].clone()
        changed[:, :2, :2] += 3
        changed[:, 2:, 2:] -= 3
        gains.append(detector.marks(changed, lungs[0])[0] - detector.marks(cells[0], lungs[0])[0])
    assert gains[1] > gains[0]


def test_recipe_without_places_keeps_its_settings() -> None:
    assert "places" not in Mahalanobis(size=32).config.model_dump()


def test_places_that_do_not_divide_the_grid_are_refused() -> None:
    with pytest.raises(RecipeError, match="places is 3, which does not divide grid, 16"):
        validated({"places": 3}, Mahalanobis.Config, where="method")
