"""Cross-fitting on a tiny set: who saw what, what a row holds, and that finished runs are found again."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from studies import crossfit
from studies import recipe_files as recipes
from studies import rows as rows_module
from studies.crossfit import FoldResult, cross_fit, tables_of
from studies.detectors.claim import above_shortcut
from studies.detectors.nomination import TESTED
from studies.detectors.page_studies import tested as section_of_tested
from studies.pages.cells import convergence
from studies.row_files import read_rows, write_row
from studies.rows import Row, annotate_bundles, convergence_of, row_of
from tests.studies.conftest import FOLDS, AtOnce, World
from unseen.artifacts.recipe import RecipeMethod
from unseen.data.film import Film
from unseen.detectors.saved import load
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve, train_recipe


@pytest.fixture(scope="module")
def rows(world: World) -> dict[str, Row]:
    return {recipe.name: row_of(recipe, world.done[recipe.name]) for recipe in world.recipes}


def table_of(world: World, name: str) -> pl.DataFrame:
    return tables_of(world.done[name])


def test_every_film_of_a_tested_fold_is_scored_once_by_a_model_that_did_not_see_it(world: World) -> None:
    cohort = cohort_of(world.recipes[0])
    for recipe in world.recipes:
        for result in world.done[recipe.name]:
            table = tables_of([result])
            assert table["file"].to_list() == [entry.name for entry in cohort.testing(result.fold).entries]
            assert (table["status"] == "scored").all() and (table["fold"] == result.fold).all()
            (folder,) = world.root.glob(f"{recipe.name}-f{result.fold}-0-{result.digest[:8]}")
            trained = load(folder / "bundle").training_films
            assert len(trained) == 24 and not set(trained) & set(table["pixel_sha256"])


def test_the_lung_finders_have_not_seen_the_tested_fold_and_are_shared(world: World) -> None:
    assert sorted(path.name[:2] for path in (world.root / "lungs").iterdir()) == ["f1", "f2"]
    models = [load(path) for path in world.root.glob("ms_cxr/*-f1-*/bundle")]
    assert len(models) == 3
    one, *others = (model.finder.network.state_dict() for model in models)
    assert all((one[key] == other[key]).all() for other in others for key in one)


def test_a_row_holds_what_made_it(world: World, rows: dict[str, Row]) -> None:
    for recipe in world.recipes:
        row = json.loads(json.dumps(rows[recipe.name], allow_nan=False))
        assert row["recipe"] == recipe.name and row["method"] == recipe.method.key and row["seed"] == 0
        assert row["px"] == 32 and row["device"].startswith("cpu") and row["flags"] == {"precision": "fp32"}
        assert len(row["recipe_digest"]) == 64 and row["seconds"] >= 0 and row["date"] and row["version"]
        assert set(row["folds"]) == {"1", "2"}
        for fold in row["folds"].values():
            assert fold.keys() == {"auroc", "steps", "seconds", "converged", "curve", "facts"}
            assert 0 <= fold["auroc"]["pooled"]["value"] <= 1
        metrics = row["metrics"]
        assert metrics["n"]["pooled"] == {"normal": 24, "abnormal": 24} and metrics["n"]["folds"] == 2
        assert metrics["excluded_training_films"] == 0 and "folds [1, 2]" in metrics["protocol"]
        assert set(metrics["auroc"]) == {"pooled", "montgomery", "shenzhen"}
        assert set(metrics["like_pairs"]) == {"sharpness", "all statistics"}


def test_steps_curves_and_convergence_are_the_training_loops(world: World, rows: dict[str, Row]) -> None:
    learnt, floor = rows["ms_cxr/roi-oracle-64-lungs"], rows["ms_cxr/pca-64-lungs"]
    assert learnt["features"] == 4 and learnt["steps"] == 24  # 4 epochs of 6 batches
    assert all(len(fold["curve"]) == 4 and fold["steps"] == 24 for fold in learnt["folds"].values())
    assert floor["convergence"] == "no training loop" and floor["steps"] == 0 and floor["features"] is None
    assert all(fold["curve"] == [] and fold["converged"] is None for fold in floor["folds"].values())


@pytest.mark.parametrize(
    ("steps", "known", "word"),
    [
        (100, (True, True), "converged"),
        (100, (True, False), "not converged"),
        (100, (True, None), "not converged"),
        (10, (None, None), "not converged"),  # too few steps to tell
        (0, (None, None), "no training loop"),
    ],
)
def test_one_fold_that_has_not_come_to_rest_is_enough(
    world: World, steps: int, known: tuple[bool | None, ...], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "metrics_from_table", lambda *_, **__: {"auroc": {}})
    recipe = world.recipes[0]
    folds = zip(world.done[recipe.name], known, strict=True)
    results = [dataclasses.replace(result, steps=steps, converged=one) for result, one in folds]
    assert row_of(recipe, results)["convergence"] == word


def test_a_gan_without_a_loss_that_comes_to_rest_is_not_called_unfinished() -> None:
    recipe = recipes.load("detectors/bigan")
    assert convergence_of(recipe, True, [None, None]) == "no loss that tells"
    assert convergence({"convergence": "no loss that tells"}) == "–"


def test_pooled_figures_are_the_folds_weighted_by_their_pairs(world: World, rows: dict[str, Row]) -> None:
    for recipe in world.recipes:
        values, weights = [], []
        for result in world.done[recipe.name]:
            table = tables_of([result])
            truth = (table["label"] == "abnormal").to_numpy()
            values.append(roc_auc_score(truth, table["score"].to_numpy()))
            weights.append(truth.sum() * (~truth).sum())
            row = rows[recipe.name]["folds"][str(result.fold)]
            assert row["auroc"]["pooled"]["value"] == pytest.approx(values[-1], abs=1e-6)  # six digits are kept
        pooled = rows[recipe.name]["metrics"]["auroc"]["pooled"]["value"]
        assert pooled == pytest.approx(np.average(values, weights=weights), abs=1e-6)


def test_each_part_of_a_score_has_its_figure(world: World, rows: dict[str, Row]) -> None:
    row = rows["ms_cxr/roi-oracle-64-lungs"]
    assert set(row["parts"]) == {"latent", "reconstruction"}
    assert row["parts"]["latent"]["pooled"]["value"] == row["metrics"]["auroc"]["pooled"]["value"]
    table = table_of(world, "ms_cxr/roi-oracle-64-lungs")
    assert table["part_latent"].to_list() == table["score"].to_list()
    assert table["part_reconstruction"].null_count() == 0


def test_no_row_holds_a_films_name_or_score(world: World, rows: dict[str, Row]) -> None:
    for recipe in world.recipes:
        text = json.dumps(rows[recipe.name])
        table = table_of(world, recipe.name)
        for column in ("file", "pixel_sha256"):
            assert not [name for name in table[column] if name in text]
        assert not [score for score in table["score"] if repr(score) in text]


def test_a_row_is_written_and_read_back(world: World, rows: dict[str, Row], tmp_path: Path) -> None:
    for row in rows.values():
        write_row(row, tmp_path)
    assert read_rows(tmp_path) == {f"{name}-0": row for name, row in rows.items()}
    assert (tmp_path / "ms_cxr.jsonl").is_file()


def test_a_finished_run_is_found_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written = {path: path.stat().st_mtime_ns for path in world.root.rglob("*.safetensors")}
    assert len(written) == 6
    monkeypatch.setattr(crossfit, "worker_processes", AtOnce)
    again = cross_fit(world.recipes, folds=FOLDS, root=world.root, say=lambda _: None)
    assert {path: path.stat().st_mtime_ns for path in world.root.rglob("*.safetensors")} == written
    for recipe in world.recipes:
        same(again[recipe.name], world.done[recipe.name])


def same(some: list[FoldResult], others: list[FoldResult]) -> None:
    for one, other in zip(some, others, strict=True):
        assert (one.fold, one.digest, one.steps, one.seconds) == (other.fold, other.digest, other.steps, other.seconds)
        assert one.converged == other.converged and dict(one.facts) == dict(other.facts)
        assert one.curve == pytest.approx(other.curve, rel=1e-5)
        assert tables_of([one]).equals(tables_of([other]))


@pytest.mark.slow
def test_workers_in_processes_of_their_own_give_the_same_rows(world: World) -> None:
    """Real, spawned workers; they find this session's runs, so nothing is trained."""
    said: list[str] = []
    again = cross_fit(world.recipes, folds=FOLDS, root=world.root, workers=2, say=said.append)
    assert said == [f"fold {fold}: 3 recipes trained and scored" for fold in FOLDS]
    for recipe in world.recipes:
        same(again[recipe.name], world.done[recipe.name])


@pytest.mark.nightly
def test_a_method_that_learns_from_unlabelled_films_is_given_those_of_the_other_folds_and_marked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossfit, "worker_processes", AtOnce)
    settings = {"features": 4, "latent": 4, "autoencoders": 2}
    floor = world.recipes[0]
    recipe = resolve(
        floor.model_copy(update={"name": f"{TESTED}ddad", "method": RecipeMethod(key="ddad", settings=settings)})
    )
    results = cross_fit([recipe], folds=FOLDS, root=tmp_path, say=lambda _: None)[recipe.name]
    cohort = cohort_of(recipe)
    for result in results:
        given = cohort.films.select(lambda entry, fold=result.fold: cohort.fold_of[entry.name] != fold)
        assert len(given.entries) == 48 == result.facts["unlabelled_films"] and result.leaked == 0
        learnt = set(load(result.bundle).training_films)
        assert learnt == {film.pixel_sha256 for film in given if isinstance(film, Film)}
    table, row = tables_of(results), row_of(recipe, results)
    above = {"floor": above_shortcut(table, row["metrics"]), "shortcut": above_shortcut(table, row["metrics"])}
    page = "\n".join(section_of_tested([{**row, "above": above}], []))
    assert re.search(r"\| `ddad`†?, 32 px, and 48 unlabelled films or more \|", page)


def test_another_seed_or_finder_is_another_run(world: World, tmp_path: Path) -> None:
    recipe = world.recipes[0]
    one, two = (sorted(world.root.glob(f"ms_cxr/pca-64-lungs-f{fold}-0-*"))[0] / "bundle" for fold in FOLDS)
    other = recipe.model_copy(update={"seed": 1, "training": {**recipe.training, "seed": 1}})
    runs = [
        train_recipe(some, fold=1, finder=finder, root=tmp_path)
        for some, finder in ((recipe, one), (recipe, two), (other, one))
    ]
    assert len({run.digest for run in runs} | {world.done[recipe.name][0].digest}) == 4
    for run, seed in zip(runs, (0, 0, 1), strict=True):
        assert run.run.folder.name == f"pca-64-lungs-f1-{seed}-{run.digest[:8]}"
        assert run.run.bundle.is_dir() and run.run.recipe.is_file()
    assert not (tmp_path / "lungs").exists(), "a finder that is given is not trained"


def test_the_card_of_each_fold_has_its_figure_and_no_adjustment(world: World) -> None:
    recipe = world.recipes[0]
    annotate_bundles(world.done[recipe.name])
    for result in world.done[recipe.name]:
        detector = load(result.bundle)
        assert detector.card is not None
        assert detector.card.adjustment is None
        assert detector.card.metrics["auroc"] == result.metrics["auroc"]


def test_a_tested_film_that_was_learnt_from_is_left_out_and_counted(world: World, rows: dict[str, Row]) -> None:
    recipe = world.recipes[0]
    results = [dataclasses.replace(result, leaked=2) for result in world.done[recipe.name]]
    assert row_of(recipe, results)["metrics"]["excluded_training_films"] == 4
    assert rows[recipe.name]["metrics"]["excluded_training_films"] == 0
    assert (world.done[recipe.name][0].bundle.parent / "metrics.json").is_file()
