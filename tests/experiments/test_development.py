"""Fold 0, for choosing: what its rows hold, and what the page makes of them."""

from __future__ import annotations

import json

from tests.docs.blocks import ROOT
from tests.experiments.conftest import World
from unseen.artifacts import recipe as recipes
from unseen.artifacts.recipe import RecipeMethod
from unseen.detectors import METHODS
from unseen.detectors.saved import load
from unseen.experiments.cohort import cohort_of
from unseen.experiments.detectors.development import FOLD, RECIPES, ROWS, development_row
from unseen.experiments.detectors.nomination import TESTED
from unseen.experiments.detectors.page import detectors_page
from unseen.experiments.detectors.published import PUBLISHED, beside_published
from unseen.experiments.pages.cells import figure
from unseen.experiments.rows import read_rows
from unseen.experiments.running import resolve, takes_unlabelled


def test_a_row_is_of_fold_0_alone(world: World) -> None:
    recipe = world.recipes[0].model_copy(update={"name": f"{RECIPES}floor"})
    row = json.loads(json.dumps(development_row(recipe, root=world.root), allow_nan=False))
    assert row["recipe"] == f"{ROWS}floor" and row["fold"] == FOLD == 0 and row["kept"] > 32 * 32
    assert 0 < row["milliseconds"] < 60_000 and set(row["above_shortcut"]) == {"pooled", "montgomery", "shenzhen"}
    cohort = cohort_of(recipe)
    assert sum(row["metrics"]["n"]["pooled"].values()) == len(cohort.testing(0).entries) == 24
    (folder,) = world.root.glob(f"{RECIPES}floor-f0-0-*")
    trained = set(load(folder / "bundle").training_films)
    assert len(trained) == len(cohort.training(0).entries) == 24
    assert not trained & {film.pixel_sha256 for film in cohort.testing(0)}  # type: ignore[union-attr]
    page = detectors_page({f"{ROWS}floor-0": row})
    low = row["metrics"]["auroc"]["pooled"]["low"]
    assert "| `floor`, 32 px |" in page and f"[{low:.2f}, " in page


def test_a_method_that_learns_from_unlabelled_films_is_given_them_without_their_labels(world: World) -> None:
    recipe = resolve(
        world.recipes[0].model_copy(
            update={
                "name": f"{RECIPES}ddad",
                "method": RecipeMethod(key="ddad", settings={"features": 4, "latent": 4, "autoencoders": 2}),
            }
        )
    )
    assert takes_unlabelled(recipe) and not takes_unlabelled(world.recipes[0])
    row = development_row(recipe, root=world.root)
    cohort = cohort_of(recipe)
    assert row["unlabelled"] == 48 == len(cohort.films.entries) - len(cohort.testing(0).entries)
    (folder,) = world.root.glob(f"{RECIPES}ddad-f0-0-*")
    learnt = set(load(folder / "bundle").training_films)
    assert not learnt & {film.pixel_sha256 for film in cohort.testing(0)}  # type: ignore[union-attr]
    assert len(learnt) == 48
    assert load(folder / "bundle").facts["unlabelled_films"] == 48


def test_the_committed_page_is_what_the_rows_say() -> None:
    page = (ROOT / "docs" / "results-detectors.md").read_text(encoding="utf-8")
    assert page == detectors_page(read_rows(ROOT / "results"))
    assert "No row yet" in detectors_page({})


def test_every_recipe_for_choosing_is_sound_and_finds_lungs_as_shipped_models_do() -> None:
    found = [recipes.load(name) for name in recipes.names() if name.startswith(RECIPES)]
    assert len(found) >= 7
    for recipe in found:
        assert resolve(recipe).data.lungs_from == recipes.load("shipped/pca").data.lungs_from


def test_every_method_stands_beside_what_was_published() -> None:
    named = {
        recipes.load(RECIPES + name).method.key if RECIPES + name in recipes.names() else name for name in PUBLISHED
    }
    assert named == set(METHODS.keys()) - {"ensemble"}, "an ensemble is made of these"
    rows = read_rows(ROOT / "results")
    section = "\n\n".join(beside_published(rows))
    assert section in detectors_page(rows)
    for name, known in PUBLISHED.items():
        (line,) = (line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert line.endswith("| – | – | – |" if known is None else f"| {' | '.join(known)} |")
    assert f"| `dct` | {figure(rows[f'{TESTED}dct-0']['metrics']['auroc']['pooled'])} |" in section
