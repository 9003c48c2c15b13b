"""Every recipe of the studies is valid; those on real films differ in method, frame and size alone."""

from __future__ import annotations

import json

import pytest

from studies import recipe_files as recipes
from studies.imaging.settings import resolved
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.recipe import names as shipped
from unseen.runs import generator_training as generator
from unseen.runs.training import resolve


def test_every_recipe_is_valid() -> None:
    names = recipes.names()
    assert len(names) > 100 and set(shipped()) < set(names)
    for name in names:
        if name.startswith("imaging/"):
            assert resolved(recipes.load(name)).name == name
            with pytest.raises(RecipeError, match="is about reconstruction, not about films"):
                resolve(recipes.load(name))
        elif name.startswith("priors/"):
            assert generator.resolve(recipes.load(name)).name == name
        else:
            assert resolve(recipes.load(name)).name == name


def test_the_recipes_on_real_films_differ_in_nothing_but_method_frame_and_size() -> None:
    found = [resolve(recipes.load(name)) for name in recipes.names() if name.startswith("ms_cxr/")]
    assert len(found) == 20
    assert len({json.dumps([r.seed, r.data.model_dump(), {**r.view, "frame": "", "size": 0}]) for r in found}) == 1
    assert {(r.training["epochs"], r.training["batch_size"]) for r in found} == {(70, 32)}
