"""Cross-fitted scores of the training normals: what a card keeps, and that no film is scored by what learnt from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unseen.artifacts.bundle import card_of
from unseen.artifacts.recipe import Recipe
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.saved import load
from unseen.runs.normal_scores import default_folds
from unseen.runs.training import detector_of, resolve, train_recipe

RECIPE = """
name = "own/pca"
seed = 0
[data]
[view]
size = 32
frame = "whole"
[method]
key = "pca"
components = 6
"""


@pytest.fixture
def files(tmp_path: Path) -> str:
    from PIL import Image

    folder = tmp_path / "normals"
    folder.mkdir()
    for number, film in enumerate(phantoms.normals(30, seed=4, size=64)):
        Image.fromarray(np.rint(film.pixels * 255).astype(np.uint8)).save(folder / f"{number:02d}.png")
    return str(folder)


def test_a_card_keeps_the_scores_of_detectors_that_did_not_see_the_film(files: str, tmp_path: Path) -> None:
    recipe = Recipe.from_toml(RECIPE)
    made = train_recipe(recipe, data=files, normal_folds=5, out=tmp_path / "model", root=tmp_path / "runs")
    card = card_of(tmp_path / "model")
    assert (len(card.normal_scores), card.normal_folds) == (30, 5)
    assert card.normal_scores == sorted(card.normal_scores) == list(card_of(made.run.bundle).normal_scores)
    again = load(tmp_path / "model")
    assert again.normal_scores == tuple(card.normal_scores)
    learnt = [one for one in phantoms.normals(30, seed=4, size=64) if isinstance(one, Film)]
    own = [finding.score for finding in again.score(learnt)]  # type: ignore[union-attr]
    assert np.mean(card.normal_scores) > np.mean(own), "a film that was learnt from looks more usual than it is"


@pytest.mark.nightly
def test_a_training_that_was_done_before_gets_its_scores(files: str, tmp_path: Path) -> None:
    recipe, root = Recipe.from_toml(RECIPE), tmp_path / "runs"
    without = train_recipe(recipe, data=files, root=root)
    assert card_of(without.run.bundle).normal_scores == []
    before = card_of(without.run.bundle)
    added = train_recipe(recipe, data=files, normal_folds=5, root=root)
    after = card_of(added.run.bundle)
    assert added.found and len(after.normal_scores) == 30 and after.digest != before.digest
    assert after.digests["weights"] == before.digests["weights"]


def test_too_few_films_leave_a_warning_and_no_scores(
    files: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = train_recipe(Recipe.from_toml(RECIPE), data=files, normal_folds=10, root=tmp_path / "runs")
    assert (
        card_of(made.run.bundle).normal_folds == 0 and "and 40 or more of different patients are needed" in caplog.text
    )


@pytest.mark.nightly
def test_a_method_trained_by_epochs_is_cross_fitted_by_two(files: str) -> None:
    assert default_folds(detector_of(resolve(Recipe.from_toml(RECIPE)))) == 5
    dae = Recipe.from_toml(RECIPE.replace("pca", "dae").replace("components = 6", "features = 4"))
    assert default_folds(detector_of(resolve(dae))) == 2
