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
    whole = (cells[0] * lungs[0]).reshape(80, 2, 2, 2, 2).sum(dim=(2, 4))
    means = (whole / lungs[0].reshape(2, 2, 2, 2).sum(dim=(1, 3))).flatten()
    away = means - detector.model.mean
    assert score == pytest.approx(float(away @ detector.model.precision @ away), rel=1e-4)
    assert parts.shape == (4, 4) and len(detector.model.mean) == 320


@pytest.mark.parametrize(
    "places", [pytest.param(1, marks=pytest.mark.nightly), 2, pytest.param(4, marks=pytest.mark.nightly)]
)
def test_score_does_not_depend_on_the_area_of_the_lungs(places: int) -> None:
    detector, cells, lungs = fitted(places)
    score, parts = detector.marks(cells[0], lungs[0])
    scaled, scaled_parts = detector.marks(cells[0], 0.8 * lungs[0])
    assert scaled == pytest.approx(score, rel=1e-4)
    torch.testing.assert_close(scaled_parts, parts, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("places", [pytest.param(1, marks=pytest.mark.nightly), 2, 4])
def test_mean_of_the_map_over_the_lungs_of_each_place_is_the_score(places: int) -> None:
    detector, cells, lungs = fitted(places)
    score, parts = detector.marks(cells[0], lungs[0])
    side = 4 // places
    whole, share = (one.reshape(places, side, places, side).sum(dim=(1, 3)) for one in (parts * lungs[0], lungs[0]))
    assert float((whole / share).mean()) == pytest.approx(score, rel=1e-3)


@pytest.mark.parametrize("places", [1, 2])
def test_a_place_without_lung_adds_nothing_to_the_score(places: int) -> None:
    detector, cells, lungs = fitted(places)
    lungs = lungs[0].clone()
    lungs[:2, :2] = 0
    changed = cells[0].clone()
    changed[:, :2, :2] += 100
    score, parts = detector.marks(cells[0], lungs)
    assert detector.marks(changed, lungs)[0] == pytest.approx(score, rel=1e-4)
    assert float(parts[:2, :2].abs().max()) == 0
    assert detector.marks(cells[0], torch.zeros(4, 4))[0] == 0


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
