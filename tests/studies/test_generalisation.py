"""The matrix of sources, and what is claimed of a detector beside shortcuts and a floor."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest

from studies.crossfit import tables_of
from studies.detectors import elsewhere
from studies.detectors.claim import above_floor, above_shortcut
from studies.detectors.generalisation import ROWS, generalisation_row, matrix
from studies.detectors.page import detectors_page
from tests.studies.conftest import FOLDS, HOSPITALS, AtOnce, World, recipe_of
from unseen.evaluation.delong import delong_test
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.simple_statistics import OF_FILES


@pytest.mark.nightly
def test_every_source_is_learnt_from_and_looked_at(world: World) -> None:
    folder = world.data / "another"
    if not folder.exists():
        shutil.copytree(world.data / "set", folder)
    recipe = recipe_of("pca")
    row = generalisation_row(recipe, elsewhere=("another",), folds=FOLDS, root=world.root)
    assert row["recipe"] == f"{ROWS}pca-64-lungs" and row["folds"] == list(FOLDS)
    cells = matrix(row)
    sources = (*HOSPITALS, "another")
    assert set(cells) == {(a, b, False) for a in sources for b in sources} | {(a, "another", True) for a in sources}
    for (_, seen, matched), cell in cells.items():
        one = cells[HOSPITALS[0], seen, matched]
        assert cell["n"] == one["n"] and cell["shortcut"]["strength"] == one["shortcut"]["strength"]  # the same films
    assert len({cells[a, "another", False]["auroc"]["value"] for a in sources}) == 3  # by different detectors
    page = detectors_page({row["recipe"]: json.loads(json.dumps(row, allow_nan=False))})
    assert "| another | another, matched |" in page and "- montgomery, minus the shortcut: montgomery " in page


@pytest.mark.nightly
def test_another_set_is_learnt_from_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = world.data / "another"
    if not folder.exists():
        shutil.copytree(world.data / "set", folder)
    monkeypatch.setattr(elsewhere, "worker_processes", AtOnce)
    recipe = recipe_of("pca")
    row = elsewhere.elsewhere_row(recipe, "another", folds=FOLDS, root=world.root)
    assert row["recipe"] == f"{elsewhere.ROWS}another/pca-64-lungs" and row["folds"] == list(FOLDS)
    came, matched = row["cells"]
    assert (came["matched"], matched["matched"]) == (False, True) and came["n"] == matched["n"]
    assert came["auroc"] != matched["auroc"] or came["like_pairs"] != matched["like_pairs"]  # other pixels
    assert matched["shortcut"]["name"] not in OF_FILES  # matching changes no file
    whole = generalisation_row(recipe, elsewhere=("another",), folds=FOLDS, root=world.root)
    assert matrix(whole)["another", "another", True] == matched  # the matrix' diagonal
    page = detectors_page({row["recipe"]: json.loads(json.dumps(row, allow_nan=False))})
    n = matched["n"]
    assert f"| `pca-64-lungs` | another, matched | {n['normal']} + {n['abnormal']} |" in page


def drawn(seed: int = 0, films: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    abnormal = np.arange(films) % 2 == 1
    return pl.DataFrame(
        {
            "file": [f"{n}" for n in range(films)],
            "status": ["scored"] * films,
            "score": rng.normal(size=films) + abnormal,
            "label": np.where(abnormal, "abnormal", "normal"),
            "source": np.where(np.arange(films) < films // 2, "a", "b"),
            "pixel_sha256": [f"{n:x}" for n in range(films)],
            "fold": [1 + n % 3 for n in range(films)],
            "sharpness": np.exp(rng.normal(size=films) - 0.8 * abnormal),
            "mean": rng.normal(size=films),
            "lung_area": rng.uniform(0.2, 0.3, films),
        }
    )


def test_the_best_shortcut_is_taken_in_the_direction_that_suits_it() -> None:
    table = drawn()
    metrics = metrics_from_table(table)
    found = above_shortcut(table, metrics)["pooled"]
    assert (
        isinstance(found, dict)
        and found["name"] == "sharpness"
        and metrics["shortcuts"]["pooled"]["sharpness"]["value"] < 0.5
    )
    expected = delong_test(
        table["score"].to_numpy(),
        -table["sharpness"].to_numpy(),
        (table["label"] == "abnormal").to_numpy(),
        fold=table["fold"].to_numpy(),
    )
    assert found["p"] == pytest.approx(expected.p) and found["strength"] > 0.6
    assert set(above_shortcut(table, metrics)) == {"pooled", "a", "b"}


def test_a_floor_is_compared_film_by_film() -> None:
    table = drawn()
    better = table.with_columns(score=pl.col("score") + 5.0 * (pl.col("label") == "abnormal"))
    found = above_floor(better, table)["pooled"]
    assert isinstance(found, dict) and found["low"] > 0 and found["p"] < 0.01
    same = above_floor(table, table)["b"]
    assert isinstance(same, dict) and same["value"] == 0 and same["p"] == 1
    mixed = above_floor(better, table.sample(fraction=1, shuffle=True, seed=1))["pooled"]
    assert mixed == found and found["films"] == len(table)  # matched by their pixels, not by their order
    fewer = above_floor(
        better, table.with_columns(status=pl.when(pl.col("file") == "3").then(pl.lit("not_read")).otherwise("status"))
    )
    assert isinstance(fewer["pooled"], dict) and fewer["pooled"]["films"] == len(table) - 1


@pytest.mark.nightly
def test_cross_fitted_tables_can_be_claimed_of(world: World) -> None:
    done = {name: tables_of(found) for name, found in world.done.items()}
    first, second, *_ = done.values()
    metrics = metrics_from_table(first)
    assert set(above_floor(first, second)) == {"pooled", *HOSPITALS} == set(above_shortcut(first, metrics))
