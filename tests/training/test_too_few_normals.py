"""Scores of the training normals: the number of films that they need."""

from __future__ import annotations

import re

import pytest

from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import Recipe
from unseen.data import phantoms
from unseen.detectors.pca import Pca
from unseen.runs.normal_scores import add_normal_scores


def test_too_few_films_for_scores_name_the_number_that_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    recipe = Recipe.from_toml('name = "own"\n[method]\nkey = "pca"\ncomponents = 4')
    films = list(phantoms.normals(20, seed=5, size=64))
    model = Pca(view=View(size=32, frame="whole"), components=4).fit(films)
    add_normal_scores(model, recipe, films[:9], folds=2)
    assert not model.normal_scores
    (needed,) = re.findall(r"are kept: 9 films were given, and (\d+) or more", caplog.text)
    add_normal_scores(model, recipe, films[: int(needed) - 1], folds=2)
    assert not model.normal_scores, "one less is not enough"
    add_normal_scores(model, recipe, films[: int(needed)], folds=2)
    assert len(model.normal_scores) == int(needed)
