"""Every recipe of the studies is valid; those on real films differ in method, frame and size alone."""

from __future__ import annotations

import json
import re

import pytest

from studies import recipe_files as recipes
from studies.imaging.settings import resolved
from tests.docs.blocks import ROOT
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.recipe import load as shipped_recipe
from unseen.artifacts.recipe import names as shipped
from unseen.runs import generator_training as generator
from unseen.runs import reconstructor_training
from unseen.runs.training import resolve


def test_every_recipe_is_valid() -> None:
    names = recipes.names()
    assert len(names) > 100 and set(shipped()) < set(names)
    for name in names:
        if recipes.load(name).method.key == "artifact-removal":
            assert name.startswith(("imaging/", "curves/", "sources/"))
            assert resolved(recipes.load(name)).name == name
            with pytest.raises(RecipeError, match="is about reconstruction, not about films"):
                resolve(recipes.load(name))
            if name in shipped():  # another recipe of that name: on the user's images, or phantoms
                assert reconstructor_training.resolve(shipped_recipe(name)).name == name
        elif name.startswith("priors/"):
            assert generator.resolve(recipes.load(name)).name == name
        else:
            assert resolve(recipes.load(name)).name == name


def test_a_shipped_recipe_trains_every_row_of_the_results_table() -> None:
    """`models/NAME` by a recipe of that name; a method and a size by a recipe on the same films."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- results:begin -->")[2]
    rows = re.findall(r"^\| \**`([^`]+)`(?:, (\d+) px)?", table.partition("<!-- results:end -->")[0], re.MULTILINE)
    assert len(rows) >= 10
    for name, size in rows:
        short = name.removeprefix("models/")
        places = [f"ms_cxr/{short}-{size}-lungs"] if size else [f"detectors/{short}", f"shipped/{short}"]
        assert set(places) & set(shipped()), f"no shipped recipe trains {name}"


def test_the_recipes_on_real_films_differ_in_nothing_but_method_frame_and_size() -> None:
    found = [resolve(recipes.load(name)) for name in recipes.names() if name.startswith("ms_cxr/")]
    assert len(found) == 20
    assert len({json.dumps([r.seed, r.data.model_dump(), {**r.view, "frame": "", "size": 0}]) for r in found}) == 1
    assert {(r.training["epochs"], r.training["batch_size"]) for r in found} == {(70, 32)}
