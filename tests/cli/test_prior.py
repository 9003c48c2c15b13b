"""`unseen prior train`: a generator's bundle from a recipe, found again, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import LIMITS, Say
from tests.studies.test_prior_training import SMALL
from unseen.artifacts import bundle


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    path = tmp_path / "mine.toml"
    path.write_text(SMALL.format(key="ae").replace('name = "small"', ""), encoding="utf-8")
    return path


def test_a_generator_is_trained_and_found_again(say: Say, recipe: Path, tmp_path: Path) -> None:
    answer = say("prior", "train", recipe, "--out", tmp_path / "model", "--licence", "CC0-1.0")
    assert answer.code == 0, answer.err
    assert answer.out.strip() == str(tmp_path / "model"), "the last word on stdout is the generator's folder"
    assert "48 images learnt from" in answer.err and "validation psnr: " in answer.err and LIMITS in answer.err
    card = bundle.load(tmp_path / "model").card
    assert (card.kind, card.name, card.licence, len(card.training_films)) == ("generator", "ae", "CC0-1.0", 48)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == f"mine-0-{(card.recipe_digest or '')[:8]}"
    again = say("prior", "train", recipe)
    assert again.code == 0 and "nothing was trained: " in again.err
    assert again.out.strip() == str(folder / "bundle")
    assert say("prior", "train", recipe, "--seed", 1).out != again.out


def test_mistakes_end_in_a_sentence(say: Say, recipe: Path, tmp_path: Path) -> None:
    answer = say("prior", "train", "phantoms/pca-64-lungs")
    assert answer.code == 2 and "pca is no generator" in answer.err
    answer = say("prior", "train", "priors/mnist-vea")
    assert answer.code == 2 and "did you mean priors/mnist-vae?" in answer.err
    recipe.write_text(recipe.read_text().replace("latent", "latnt"))
    answer = say("prior", "train", recipe)
    assert answer.code == 2 and "method.latnt: unknown; did you mean latent?" in answer.err
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thing").touch()
    answer = say("prior", "train", recipe, "--out", tmp_path / "taken")
    assert answer.code == 2 and "holds other files" in answer.err


def test_without_the_public_images_it_says_where_they_belong(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    answer = say("prior", "train", "priors/mnist-vae")
    assert answer.code == 2 and "Set $UNSEEN_DATA to the folder that holds mnist/" in answer.err
