"""Fold 0, for choosing: what its rows hold, and what the page makes of them."""

from __future__ import annotations

import copy
import json

import numpy as np
import polars as pl
import pytest

from studies import recipe_files as recipes
from studies.detectors.adjusted_by_finder import (
    ALL,
    ALL_INSIDE,
    OPEN,
    adjusted_rows,
    averaged,
    beside_adjusted,
    on_lungs_of,
)
from studies.detectors.adjusted_by_finder import RECIPES as BY_FINDER
from studies.detectors.adjusted_by_finder import ROWS as ADJUSTED
from studies.detectors.development import FOLD, RECIPES, ROWS, TWINS, development_row, phantom_row
from studies.detectors.nomination import TESTED
from studies.detectors.page import detectors_page
from studies.detectors.page_studies import twins as section_of_twins
from studies.detectors.published import PUBLISHED, beside_published
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_rows
from tests.studies.conftest import World
from unseen.anatomy.lung_finder import LESIONS_INSIDE
from unseen.artifacts.recipe import Recipe, RecipeMethod
from unseen.data.phantoms.sequences import twins
from unseen.detectors import METHODS
from unseen.detectors.saved import load
from unseen.evaluation.intervals import interval_text as figure
from unseen.runs import cohort
from unseen.runs.cohort import cohort_of, phantom_unlabelled
from unseen.runs.lung_finders import finder_config
from unseen.runs.training import resolve, takes_unlabelled


def test_a_row_is_of_fold_0_alone(world: World) -> None:
    recipe = world.recipes[0].model_copy(update={"name": f"{RECIPES}floor"})
    row = json.loads(json.dumps(development_row(recipe, root=world.root), allow_nan=False))
    assert row["recipe"] == f"{ROWS}floor" and row["fold"] == FOLD == 0 and row["kept"] > 32 * 32
    assert 0 < row["milliseconds"] < 60_000 and set(row["above_shortcut"]) == {"pooled", "montgomery", "shenzhen"}
    every = cohort_of(recipe)
    assert sum(row["metrics"]["n"]["pooled"].values()) == len(every.testing(0).entries) == 24
    (folder,) = world.root.glob(f"{RECIPES}floor-f0-0-*")
    trained = set(load(folder / "bundle").training_films)
    assert len(trained) == len(every.training(0).entries) == 24
    assert not trained & {film.pixel_sha256 for film in every.testing(0)}  # type: ignore[union-attr]
    page = detectors_page({f"{ROWS}floor-0": row})
    low = row["metrics"]["auroc"]["pooled"]["low"]
    assert "| `floor`, 32 px |" in page and f"[{low:.2f}, " in page


def test_the_page_says_what_the_masks_of_both_hospitals_are_worth() -> None:
    rows = committed_rows()
    open_masks, all_masks = (rows[f"{ROWS}{name}-0"] for name in ("ensemble-features", "ensemble-features-all"))
    there, here = (row["metrics"]["auroc"]["pooled"] for row in (open_masks, all_masks))
    said = f"on fold 0 `ensemble-features` has {figure(there)} and `ensemble-features-all` {figure(here)}"
    assert said in detectors_page(rows)
    others = {name: row for name, row in rows.items() if "ensemble-features-all" not in name}
    assert "masks of both hospitals, not" not in detectors_page(others)


def test_the_adjusted_row_keeps_the_rounds_that_it_has() -> None:
    known = committed_rows()[f"{ADJUSTED}pca-aligned-0"]
    trained = [(one["seed"], (name,)) for name, some in known["finders"].items() for one in some]
    assert trained and not list(adjusted_rows(recipes.load(next(iter(BY_FINDER))), known, rounds=trained))


def test_a_recipe_on_the_lungs_of_another_finder_is_itself_in_all_else() -> None:
    own = resolve(recipes.load("detectors/ensemble-features"))
    inside = on_lungs_of(own, ALL_INSIDE)
    assert finder_config(inside).model_dump() == LESIONS_INSIDE.model_dump() and not own.finder
    assert set(inside.data.lungs_from or ()) == {"montgomery", "shenzhen", "phantom-lesions"}
    assert (inside.method, inside.view, inside.training) == (own.method, own.view, own.training)
    assert on_lungs_of(inside, OPEN) == own
    assert on_lungs_of(own, ALL).data.lungs_from is None


def test_scores_of_several_trainings_are_averaged_film_by_film() -> None:
    films = {"file": ["a", "b"], "fold": [1, 2], "pixel_sha256": ["aa", "bb"], "label": ["normal", "abnormal"]}
    first = pl.DataFrame({**films, "score": [1.0, 2.0], "lung_area": [0.2, 0.4]})
    second = pl.DataFrame({**films, "score": [3.0, 8.0], "lung_area": [0.4, 0.6]}).reverse()
    mean = averaged([first, second])
    assert mean.columns == first.columns and mean["file"].to_list() == ["a", "b"]
    assert mean["score"].to_list() == [2.0, 5.0] and mean["lung_area"].to_list() == pytest.approx([0.3, 0.5])


def test_the_page_says_in_which_films_lungs_are_larger_and_how_far_aurocs_differ() -> None:
    row = copy.deepcopy(committed_rows()[f"{ADJUSTED}pca-aligned-0"])
    said = "\n".join(beside_adjusted([row]))
    assert all(one["area"] < 0.5 for some in row["finders"].values() for one in some)
    means = [np.mean([one["auroc"]["value"] for one in some]) for some in row["finders"].values()]
    assert "abnormal films have the larger predicted lungs" in said
    assert f"differ by {max(means) - min(means):.2f} " in said
    for some in row["finders"].values():
        for one in some:
            one["area"] = 1 - one["area"]
    assert "abnormal films have the smaller predicted lungs" in "\n".join(beside_adjusted([row]))


@pytest.mark.parametrize(
    ("value", "said"), [(-0.008, "Lower by more than 0.01: none;"), (-0.012, "Lower by more than 0.01: `pca-al")]
)
def test_the_page_says_what_lesions_inside_cost_a_detector(value: float, said: str) -> None:
    row = copy.deepcopy(committed_rows()[f"{ADJUSTED}pca-aligned-0"])
    difference = {"value": value, "low": value - 0.04, "high": value + 0.04}
    row["finders"][ALL_INSIDE] = [{**row["finders"][OPEN][0], "minus_open": {"pooled": difference}}]
    page = "\n".join(beside_adjusted([row]))
    assert said in page and f"`pca-aligned` −{-value:.3f} [−{0.04 - value:.3f}, +" in page
    first, mean = row["finders"][OPEN][0], np.mean([one["auroc"]["value"] for one in row["finders"][OPEN]])
    assert f"`pca-aligned` +{first['auroc']['value'] - mean:.3f}." in page
    del row["finders"][ALL_INSIDE]
    assert "ower by" not in "\n".join(beside_adjusted([row]))


@pytest.fixture
def ddad(world: World) -> Recipe:
    """A small one of the method that learns from unlabelled films."""
    method = RecipeMethod(key="ddad", settings={"features": 4, "latent": 4, "autoencoders": 2})
    return resolve(world.recipes[0].model_copy(update={"name": f"{RECIPES}ddad", "method": method}))


@pytest.mark.nightly
def test_a_method_that_learns_from_unlabelled_films_is_given_them_without_their_labels(
    world: World, ddad: Recipe
) -> None:
    assert takes_unlabelled(ddad) and not takes_unlabelled(world.recipes[0])
    row = development_row(ddad, root=world.root)
    every = cohort_of(ddad)
    assert row["unlabelled"] == 48 == len(every.films.entries) - len(every.testing(0).entries)
    (folder,) = world.root.glob(f"{RECIPES}ddad-f0-0-*")
    learnt = set(load(folder / "bundle").training_films)
    assert not learnt & {film.pixel_sha256 for film in every.testing(0)}  # type: ignore[union-attr]
    assert len(learnt) == 48
    assert load(folder / "bundle").facts["unlabelled_films"] == 48


@pytest.mark.nightly
def test_on_phantoms_it_is_given_unlabelled_phantoms_and_is_marked(
    world: World, ddad: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort, "PHANTOM_NORMALS", 24)
    monkeypatch.setattr(cohort, "PHANTOM_UNLABELLED", 16)
    row = phantom_row(ddad, pairs=8, root=world.root)
    (folder,) = world.root.glob(f"{RECIPES}ddad-0-*")
    assert row["recipe_digest"].startswith(folder.name.rpartition("-")[2])
    assert row["facts"]["unlabelled_films"] == 16 and row["metrics"]["n"]["pooled"] == {"normal": 8, "abnormal": 8}
    learnt, given = set(load(folder / "bundle").training_films), list(phantom_unlabelled(ddad))
    assert [film.label for film in given].count("abnormal") == 8
    assert {film.pixel_sha256 for film in given} <= learnt and len(learnt) == 24 + 16
    assert not learnt & {film.pixel_sha256 for film in twins(8, seed=7)}
    again = phantom_row(ddad, pairs=8, root=world.root)  # found, though its films lay in another folder
    assert again["seconds"] == row["seconds"]
    trained = f"{row['steps']:,} steps, {row['features']} features"
    assert f"| `ddad` ({trained}), and 16 unlabelled phantoms |" in "\n".join(section_of_twins([row]))


def test_every_row_of_phantom_twins_has_its_strip_of_maps() -> None:
    rows = [name for name in committed_rows() if name.startswith(TWINS)]
    strips = {file.stem for file in (ROOT / "docs" / "images" / "detectors" / "phantoms").glob("*.png")}
    assert strips == {name.removeprefix(TWINS).removesuffix("-0") for name in rows} | {"lung-crops"}


def test_the_committed_page_is_what_the_rows_say() -> None:
    page = (ROOT / "docs" / "results-detectors.md").read_text(encoding="utf-8")
    assert page == detectors_page(committed_rows())
    assert "No row yet" in detectors_page({})


def test_every_recipe_for_choosing_is_sound_and_finds_lungs_as_shipped_models_do() -> None:
    found = {name: resolve(recipes.load(name)) for name in recipes.names() if name.startswith(RECIPES)}
    assert len(found) >= 7
    shipped = recipes.load("shipped/pca").data.lungs_from
    for name, recipe in found.items():
        if "inside" in name:  # these compare lung finders
            continue
        if name.endswith("-all"):  # by all drawn masks, beside the same by those that ship; it never ships itself
            assert recipe.data.lungs_from is None and name.removesuffix("-all") in found
            continue
        hidden = ["phantom-lesions"] if name.endswith("ensemble-five") else []
        assert recipe.data.lungs_from == [*shipped, *hidden], name


def test_every_method_stands_beside_what_was_published() -> None:
    named = {
        recipes.load(RECIPES + name).method.key if RECIPES + name in recipes.names() else name for name in PUBLISHED
    }
    assert named == set(METHODS.keys()) - {"ensemble", "lesion-segmentation"}, "made of these, and for phantoms"
    rows = committed_rows()
    section = "\n\n".join(beside_published(rows))
    page = detectors_page(rows)
    assert all(block in page for block in beside_published(rows))
    for name, known in PUBLISHED.items():
        (line,) = (line for line in section.splitlines() if line.startswith(f"| `{name}`"))
        assert line.endswith("| – | – | – |" if known is None else f"| {' | '.join(known)} |")
    assert f"| `dct` | {figure(rows[f'{TESTED}dct-0']['metrics']['auroc']['pooled'])} |" in section


def test_the_aim_names_other_sets_and_what_fine_tuning_gave() -> None:
    rows = committed_rows()
    section = detectors_page(rows).partition("## The aim of")[2].partition("\n## ")[0]
    for place in ("kermany", "nih_cxr8"):
        assert f"on `{place}`, where `ensemble-aligned` has" in section
    tuned = [row for name, row in rows.items() if name.startswith("detectors/fine-tuning/")]
    assert f"{np.mean([row['curve'][-1] for row in tuned]):.2f} at the end of training on fold 0" in section
