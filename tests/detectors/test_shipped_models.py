"""The models of unseen-models: whole, small, honest about what they are, and computing what they did."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from studies.row_files import read_study
from unseen.artifacts import bundle
from unseen.artifacts.installed_models import located, shipped
from unseen.artifacts.research_only import LIMITS
from unseen.data import films, phantoms
from unseen.detectors.finding import Finding
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.detectors.saved import load

GOLDEN = Path(__file__).with_name("shipped_scores.json")
FILMS = Path(__file__).with_name("shipped_films")
"""`phantoms.twins(2, seed=31, size=128)`, as one processor drew them: on another, some pixels are another grey."""
DETECTORS = ("anatpaste-all-aligned", "ensemble-aligned", "ensemble-five", "pca", "roi-sure")


def test_all_of_them_together_are_small() -> None:
    size = sum(path.stat().st_size for name in shipped() for path in located(name).iterdir())
    assert size <= 38_000_000


@pytest.mark.parametrize("name", ["lungs", *DETECTORS])
def test_a_card_says_what_the_model_is(name: str) -> None:
    card = bundle.load(Path("models") / name).card
    assert card.kind == ("lungs" if name == "lungs" else "detector")
    assert LIMITS in card.limits and "Montgomery" in card.data and "no Shenzhen mask" in card.data
    assert "Research, non-commercial" in card.licence and len(card.training_films) > 50
    assert card.metrics, "the figures"


@pytest.mark.parametrize("name", DETECTORS)
def test_a_card_holds_the_cross_fitted_twins_figures_and_fold_4s(name: str) -> None:
    metrics = json.loads(bundle.load(Path("models") / name).card.model_dump_json())["metrics"]
    for auroc in (metrics["cross_fitted_twin"]["auroc"]["pooled"], metrics["fold_4"]["auroc"]["pooled"]):
        assert 0 < auroc["low"] < auroc["value"] < auroc["high"] < 1
    row = read_study("shipped", Path(__file__).parents[2] / "studies" / "results")[f"shipped/{name}-0"]
    assert metrics["cross_fitted_twin"]["auroc"] == row["metrics"]["auroc"]
    assert row["recipe_digest"] == bundle.load(Path("models") / name).card.recipe_digest


@pytest.mark.parametrize("name", DETECTORS)
def test_a_model_still_computes_the_scores_that_it_did(name: str) -> None:
    detector = load(Path("models") / name)
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    found = [f.score for f in detector.score(films(FILMS)) if isinstance(f, Finding)]
    assert found == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("name", ["pca", "roi-sure"])
def test_the_finder_alone_is_the_one_in_the_detectors(name: str) -> None:
    alone, within = finder_of("models/lungs"), finder_of(Path("models") / name)
    assert alone is not None and within is not None and within.config == alone.config
    for key, value in alone.network.state_dict().items():
        assert torch.equal(value, within.network.state_dict()[key]), key


@pytest.mark.parametrize("name", ["anatpaste-all-aligned", pytest.param("ensemble-aligned", marks=pytest.mark.nightly)])
def test_the_finder_alone_finds_what_those_trained_elsewhere_find(name: str) -> None:
    """They learnt from the same films with the same seed, on another machine: weights differ by rounding that has
    grown, the lungs that they find hardly do."""
    alone, within = finder_of("models/lungs"), finder_of(Path("models") / name)
    assert alone is not None and within is not None and within.config == alone.config
    for film in phantoms.normals(8, seed=31, size=128):
        one, other = alone.find(film), within.find(film)
        assert 2 * (one & other).sum() > 0.97 * (one.sum() + other.sum()), film.name


def test_nothing_of_fold_4_was_trained_on() -> None:
    if not os.environ.get("UNSEEN_DATA"):
        assert not os.environ.get("CI"), "UNSEEN_DATA is not set"
        pytest.skip("needs the Montgomery + Shenzhen films: set UNSEEN_DATA")
    from studies.shipping import FOLD
    from unseen.artifacts import recipe as recipes
    from unseen.data.film import Film
    from unseen.runs.cohort import cohort_of

    cohort = cohort_of(recipes.load("shipped/pca"))
    left_out = {film.pixel_sha256 for film in cohort.testing(FOLD) if isinstance(film, Film)}
    learnt = {film.pixel_sha256 for film in cohort.training(FOLD) if isinstance(film, Film)}
    for name in DETECTORS:
        trained = set(bundle.load(Path("models") / name).card.training_films)
        assert not trained & left_out
        assert trained == learnt
    lungs = set(bundle.load("models/lungs").card.training_films)
    assert not lungs & left_out
