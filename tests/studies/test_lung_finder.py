"""The study of lung finders: what it counts, that no finder is asked about a film it learnt from, and its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studies import lung_finder
from studies.lung_finder import (
    BEGIN,
    END,
    LEAST_DICE,
    LEAST_KEPT,
    RECIPES,
    as_markdown,
    asked_of,
    fold_finder,
    interval,
    main,
    measured,
    rows_in,
)
from studies.row_files import read_study, write_row
from tests.studies.conftest import FOLDS, World
from unseen.anatomy.lung_finder import LungExamples
from unseen.data.phantoms.lesion_ranges import KINDS
from unseen.runs.cohort import cohort_of, lung_films
from unseen.runs.lung_finders import shared_lungs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "results-lungs.md"


@pytest.mark.slow
def test_a_row_is_about_films_that_its_finders_have_not_seen(world: World) -> None:
    recipe = world.recipes[0]
    cohort = cohort_of(recipe)
    asked = {fold: asked_of(cohort, fold, folds=FOLDS, seed=5, n=(16, 4)) for fold in FOLDS}
    for fold, films in asked.items():
        kinds = [film.columns["kind"] for film in films.phantoms if film.label == "abnormal"]
        assert sorted(kinds) == sorted(2 * KINDS) and len(films.phantoms) == 8 + 2
        examples = LungExamples.of(lung_films(recipe, cohort.training(fold)), size=32)
        finder = fold_finder(recipe, cohort, fold, examples, root=world.root)
        assert not set(finder.training_films) & {film.pixel_sha256 for film in (*films.films, *films.phantoms)}
        detectors = shared_lungs(cohort.training(fold), recipe, fold=fold, data_digest=cohort.digest, root=world.root)
        assert detectors.full.digest == finder.digest, "detectors of the recipe look through the same finder"
    said = {film.name for films in asked.values() for film in films.phantoms}
    assert len(said) == 20, "each phantom is asked of one fold"

    row = lung_finder.finder_row(
        "all-masks", recipe, seeds=(0, 1), folds=FOLDS, phantom_seed=5, n=(16, 4), root=world.root
    )
    assert row["dice"]["normal, pooled"]["films"] == 24 and row["kept"]["effusion"]["films"] == 4
    assert row["seeds"] == [0, 1] and row["finder"]["size"] == 32
    assert {"recipe_digest", "device", "date", "version"} <= set(row)


@pytest.mark.slow
def test_shares_are_of_the_lesion_and_dice_of_the_lungs(world: World) -> None:
    asked = asked_of(cohort_of(world.recipes[0]), FOLDS[0], folds=FOLDS, seed=5, n=(8, 2))

    class Everything:
        def find(self, film: object) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
            return np.ones((4, 4), dtype=bool)

    found = measured(Everything(), asked)
    assert all(value == 1 for kind in KINDS for value in found[f"kept {kind}"] + found[f"whole {kind}"])
    for film, value in zip(asked.films, found["dice normal, pooled"] + found["dice abnormal, pooled"], strict=True):
        assert film.lungs is not None and 0.1 < value < 0.9
    film = next(film for film in asked.films if film.label == "normal")
    assert film.lungs is not None
    assert found["dice normal, pooled"][0] == pytest.approx(2 * film.lungs.mean() / (1 + film.lungs.mean()))


def test_an_interval_covers_films_and_trainings() -> None:
    rng = np.random.default_rng(0)
    films = rng.normal(0.9, 0.05, (1, 200))
    alike, apart = interval(np.repeat(films, 3, axis=0)), interval(films + np.array([[-0.05], [0.0], [0.05]]))
    assert alike.value == pytest.approx(apart.value)
    assert alike.high - alike.low == pytest.approx(2 * 1.96 * 0.05 / np.sqrt(200), rel=0.2)
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_the_page_says_what_was_measured() -> None:
    rows = rows_in(ROOT / "studies" / "results")
    assert {row["recipe"] for row in rows} >= {"lungs/all-masks", "lungs/open-masks"}
    assert PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip() == as_markdown(rows)
    for row in rows:
        assert row["phantoms"]["seed"] == lung_finder.TEST_PHANTOMS and row["folds"] == [1, 2, 3, 4]
        for group in (*row["dice"].values(), *row["kept"].values(), *row["whole"].values()):
            assert 0 <= group["low"] <= group["value"] <= group["high"] <= 1


def test_the_page_is_rendered_from_rows_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    main(["--render", "--rows", str(tmp_path), "--page", str(page)])
    assert "No row yet" in page.read_text(encoding="utf-8") and page.read_text(encoding="utf-8").endswith("after\n")
    row = read_study("lungs", ROOT / "studies" / "results")["lungs/all-masks-0"]
    row["dice"]["normal, pooled"]["value"], row["kept"]["effusion"]["value"] = LEAST_DICE, LEAST_KEPT - 0.001
    row["kept"]["consolidation"]["value"] = LEAST_KEPT
    write_row(row, tmp_path)
    main(["--render", "--rows", str(tmp_path), "--page", str(page)])
    assert "Dice reached, consolidation reached, effusion missed" in page.read_text(encoding="utf-8")
    assert set(RECIPES) >= {"all-masks", "open-masks"}
