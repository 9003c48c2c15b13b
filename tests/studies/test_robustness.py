"""Two twins under added noise: what is drawn, what is found again, and what the row says; on the tiny set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from studies.detectors.page import COUNTS, detectors_page
from studies.robustness import study as module
from studies.robustness.one_training import (
    Cell,
    Kind,
    Place,
    Study,
    cell_at,
    path_of,
    prepared,
    settings_of,
    with_noise,
)
from studies.robustness.study import robustness
from studies.row_files import read_rows, write_row
from studies.rows import Row
from tests.studies.conftest import AtOnce, World, recipe_of
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.detectors.detector import Detector
from unseen.detectors.stein_consistency import SteinConsistency
from unseen.evaluation import bootstrap
from unseen.runs.cohort import cohort_of

SIGMAS, SEEDS, FOLD = (0.0, 0.2), (0, 1), 2
PLACES = [Place(which, seed, sigma) for seed in SEEDS for sigma in SIGMAS for which in (0, 1)]


def twins() -> list[Recipe]:
    return [short(recipe_of(method)) for method in ("roi-sure", "roi-oracle")]


def short(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"training": {**recipe.training, "epochs": 1}})


def study_of(recipes: list[Recipe], root: Path, *, sigmas: tuple[float, ...] = SIGMAS, fold: int = FOLD) -> Study:
    first, second = (recipe.to_toml() for recipe in recipes)
    return Study((first, second), fold, sigmas, cohort_of(recipes[0]).digest, root)


@dataclass(frozen=True)
class Done:
    """A study that has been carried out, the row, and what was said on the way."""

    study: Study
    row: Row
    said: list[str]

    def cell(self, which: int, seed: int, sigma: float) -> Cell:
        return cell_at(path_of(self.study, Place(which, seed, sigma)))


@pytest.fixture(scope="module")
def done(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    root = tmp_path_factory.mktemp("robustness")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "worker_processes", AtOnce)
        row = robustness(twins(), fold=FOLD, sigmas=SIGMAS, seeds=SEEDS, root=root, say=said.append)
        yield Done(study_of(twins(), root), row, said)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """No training is begun."""

    def refuse(number: int) -> None:
        raise AssertionError("a training was asked for")

    monkeypatch.setattr(module, "worker_processes", refuse)


def test_without_noise_sure_is_the_squared_error_and_the_difference_is_zero(done: Done) -> None:
    for seed in SEEDS:
        assert done.cell(0, seed, 0.0).scores == done.cell(1, seed, 0.0).scores
    for part in done.row["auroc"].values():
        for entry in part[:2]:
            assert entry["trained"] == 0
            assert entry["difference"] == {"value": 0, "low": 0, "high": 0}


def test_with_noise_the_twins_part_and_so_do_seeds_and_levels(done: Done) -> None:
    scores = [done.cell(place.recipe, place.seed, place.sigma).scores["score"] for place in PLACES]
    assert len({levels[sigma] for levels in scores for sigma in SIGMAS}) == 2 * (8 - 2), "at σ = 0 two are one"


def test_the_row_is_what_scikit_learn_says_of_the_kept_scores(done: Done) -> None:
    abnormal = prepared(done.study).abnormal
    row = json.loads(json.dumps(done.row, allow_nan=False))
    assert set(row["auroc"]) == {"score", "reconstruction"}, "the latent part is the score itself"
    for part, entries in row["auroc"].items():
        assert [(e["trained"], e["tested"]) for e in entries] == [(a, b) for a in SIGMAS for b in SIGMAS]
        for entry in entries:
            values = []
            for which, name in enumerate(row["recipes"]):
                cells = [done.cell(which, seed, entry["trained"]) for seed in SEEDS]
                aurocs = [roc_auc_score(abnormal, cell.scores[part][entry["tested"]]) for cell in cells]
                values.append(np.mean(aurocs))
                assert entry[name]["value"] == pytest.approx(values[-1], abs=1e-6)
                assert entry[name]["low"] <= entry[name]["value"] <= entry[name]["high"]
            assert entry["difference"]["value"] == pytest.approx(values[0] - values[1], abs=2e-6)


def test_the_row_says_how_it_was_made(done: Done, tmp_path: Path) -> None:
    row = done.row
    assert row["recipes"] == ["ms_cxr/roi-sure-64-lungs", "ms_cxr/roi-oracle-64-lungs"]
    assert row["n"] == {"normal": 12, "abnormal": 12, "not_read": 0, "excluded_training_films": 0}
    assert (row["fold"], row["sigmas"], row["seeds"], row["trainings"]) == (FOLD, list(SIGMAS), list(SEEDS), 8)
    assert row["steps"] == 6 and row["px"] == 32 and row["training"] == twins()[0].training
    low, median, high = (row["own_sigma"][quantile] for quantile in ("0.25", "0.5", "0.75"))
    assert 0 < low <= median <= high < 0.2
    write_row(row, tmp_path)
    assert read_rows(tmp_path) == {"robustness/ms_cxr/roi-sure-64-lungs-0": json.loads(json.dumps(row))}


def test_each_training_is_told_when_it_is_done(done: Done) -> None:
    assert done.said[0].startswith("8 trainings, 0 of them found again")
    assert [line.split("/")[0] for line in done.said[1:]] == [str(i) for i in range(1, 9)]
    expected = {f"{name}, seed {seed}, σ {s:g}" for name in done.row["recipes"] for seed in SEEDS for s in SIGMAS}
    assert {line.split("  ")[1].split(":")[0] for line in done.said[1:]} == expected


@pytest.mark.usefixtures("idle")
def test_finished_trainings_are_found_again(done: Done) -> None:
    said: list[str] = []
    again = robustness(twins(), fold=FOLD, sigmas=SIGMAS, seeds=SEEDS, root=done.study.root, say=said.append)
    assert again == done.row
    assert said == ["8 trainings, 8 of them found again; looking at the films"]


def test_what_is_missing_is_trained_again_to_the_same_scores(done: Done) -> None:
    path = path_of(done.study, Place(0, 1, 0.2))
    before = cell_at(path)
    path.unlink()
    others = {other: other.stat().st_mtime_ns for other in path.parent.iterdir()}
    said: list[str] = []
    robustness(twins(), fold=FOLD, sigmas=SIGMAS, seeds=SEEDS, root=done.study.root, say=said.append)
    assert len(said) == 2 and said[1].startswith("8/8  ms_cxr/roi-sure-64-lungs, seed 1, σ 0.2: ")
    assert cell_at(path).scores == before.scores
    assert {other: other.stat().st_mtime_ns for other in others} == others


@pytest.mark.usefixtures("idle")
def test_another_seed_level_recipe_or_fold_is_another_training(done: Done) -> None:
    longer = [short(recipe_of(method)) for method in ("roi-sure", "roi-oracle")]
    longer = [recipe.model_copy(update={"training": {**recipe.training, "epochs": 2}}) for recipe in longer]
    studies = [done.study, study_of(longer, done.study.root), study_of(twins(), done.study.root, fold=1)]
    studies += [study_of(twins(), done.study.root, sigmas=(0.0, 0.3))]
    paths = {path_of(study, Place(*place)) for study in studies for place in ((0, 0, 0.0), (1, 0, 0.0), (0, 1, 0.0))}
    assert len(paths) == 12
    assert path_of(done.study, PLACES[0]).name.startswith("roi-sure-64-lungs-f2-0-")
    shuffled = study_of(twins(), done.study.root, sigmas=SIGMAS[::-1])
    assert path_of(shuffled, PLACES[0]) == path_of(done.study, PLACES[0]), "the order of the levels does not count"


def planted(done: Done, sigma: float, scores: list[list[list[float]]]) -> Row:
    """Return the row of finished trainings whose scores are these: by recipe, then by seed."""
    study = study_of(twins(), done.study.root, sigmas=(sigma,))
    for which, seeds in enumerate(scores):
        for seed, values in enumerate(seeds):
            path = path_of(study, Place(which, seed, sigma))
            kept: dict[str, Any] = {"scores": {"score": {str(sigma): values}}, "converged": True, "steps": 1}
            path.write_text(json.dumps(kept | {"seconds": 1.0, "date": "2026-01-01"}), encoding="utf-8")
    return robustness(
        twins(), fold=FOLD, sigmas=(sigma,), seeds=range(len(scores[0])), root=study.root, say=lambda _: None
    )


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    "held_at_once",
    [
        pytest.param(None, id="one block"),
        pytest.param(7 * 24, id="seven draws a block"),
        pytest.param(1, id="one draw a block", marks=pytest.mark.slow),
    ],
)
def test_films_and_seeds_are_drawn_anew_in_each_draw_and_alike_for_both(
    done: Done, held_at_once: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seeds whose AUROCs are 1 and 0 whichever films are drawn: a draw's mean is 0, ½ or 1, by its seeds alone."""
    if held_at_once is not None:
        monkeypatch.setattr(bootstrap, "CELLS", held_at_once)
    abnormal = prepared(done.study).abnormal
    right, wrong = abnormal.astype(float).tolist(), (~abnormal).astype(float).tolist()
    first, second = twins()
    (entry,) = planted(done, 0.5, [[right, wrong], [right, wrong]])["auroc"]["score"]
    assert entry[first.name] == entry[second.name] == {"value": 0.5, "low": 0, "high": 1}
    assert entry["difference"] == {"value": 0, "low": 0, "high": 0}, "the same seeds in each draw"
    (entry,) = planted(done, 0.5, [[right, right], [wrong, wrong]])["auroc"]["score"]
    assert entry["difference"] == {"value": 1, "low": 1, "high": 1}
    rng = np.random.default_rng(0)
    noise = [(rng.normal(size=len(abnormal)) + abnormal).tolist() for _ in range(2)]
    (entry,) = planted(done, 0.5, [noise, noise])["auroc"]["score"]
    assert entry[first.name]["high"] - entry[first.name]["low"] > 0.1
    assert entry["difference"] == {"value": 0, "low": 0, "high": 0}, "the same films in each draw"


def won(score: np.ndarray, abnormal: np.ndarray) -> float:
    """Return the share of pairs in which the abnormal film scores higher."""
    return float((score[abnormal][:, None] > score[~abnormal]).mean())


@pytest.mark.usefixtures("idle")
def test_the_interval_is_that_of_a_bootstrap_written_by_hand(done: Done) -> None:
    films = prepared(done.study)
    rng = np.random.default_rng(5)
    n = len(films.abnormal)
    scores = rng.normal(size=(2, 3, n)) + films.abnormal * np.array([1.0, 0.5])[:, None, None]
    row = planted(done, 0.6, scores.tolist())
    (entry,) = row["auroc"]["score"]
    groups = [np.flatnonzero((films.source == s) & (films.abnormal == a)) for s in set(films.source) for a in (0, 1)]
    drawn = []
    for _ in range(800):
        some = np.concatenate([rng.choice(group, len(group)) for group in groups])
        seeds = rng.integers(0, 3, 3)
        drawn.append([np.mean([won(one[seed][some], films.abnormal[some]) for seed in seeds]) for one in scores])
    both = np.array(drawn)  # (draws, recipes)
    for name, values in (
        (row["recipes"][0], both[:, 0]),
        (row["recipes"][1], both[:, 1]),
        ("difference", both[:, 0] - both[:, 1]),
    ):
        low, high = np.quantile(values, [0.025, 0.975])
        assert entry[name]["low"] == pytest.approx(low, abs=0.03)
        assert entry[name]["high"] == pytest.approx(high, abs=0.03)


def test_a_films_noise_is_one_draw_scaled() -> None:
    images = torch.rand(3, 1, 32, 32)
    names = ("a", "b", "c")
    draws = [(with_noise(images, names, sigma, 0) - images) / sigma for sigma in (0.02, 0.2, 5.0)]
    for other in draws[:2]:
        assert torch.allclose(other, draws[2], atol=1e-4)
    assert torch.equal(with_noise(images, names, 0.0, 0), images)
    assert draws[2].std() == pytest.approx(1, abs=0.05) and draws[2].mean() == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("noise", ["poisson", "mixed"])
def test_the_noise_of_counts_is_as_large_as_said_at_a_middle_grey_and_larger_where_it_is_bright(noise: Kind) -> None:
    for level, expected in ((-0.8, 0.2), (0.0, 1.0), (0.8, 1.8)):
        drawn = with_noise(torch.full((2, 1, 128, 128), level), ("a", "b"), 0.1, 0, noise=noise) - level
        counts = expected if noise == "poisson" else (expected + 1) / 2  # of the mixed noise, half does not grow
        assert float(drawn.mean()) == pytest.approx(0, abs=0.002)
        assert float(drawn.var()) == pytest.approx(0.01 * counts, rel=0.05)
    assert settings_of(noise, 0.0) == {"noise": "gaussian", "sigma": 0.0}
    assert settings_of("gaussian", 0.1) == {"noise": "gaussian", "sigma": 0.1}


def test_counts_are_another_study_of_which_sure_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, done: Done
) -> None:
    told: list[tuple[str, float | None]] = []
    learn = SteinConsistency.learn

    def listen(detector: SteinConsistency, *given: Any) -> None:
        told.append((detector.config.noise, detector.config.gain))
        learn(detector, *given)

    monkeypatch.setattr(SteinConsistency, "learn", listen)
    monkeypatch.setattr(module, "worker_processes", AtOnce)
    row = robustness(
        twins(), fold=FOLD, sigmas=SIGMAS, seeds=(0,), noise="poisson", root=done.study.root, say=lambda _: None
    )
    assert told == [("gaussian", None), ("poisson", pytest.approx(0.02))]
    assert row["noise"] == "poisson" and row["recipe"].endswith("-poisson") and row["trainings"] == 4
    place = PLACES[0]
    assert path_of(done.study, place) != path_of(replace(done.study, noise="poisson"), place)
    clean, noisy = row["auroc"]["score"][0], row["auroc"]["score"][-1]
    names = row["recipes"]
    assert clean[names[0]] == clean[names[1]], "without noise the twins are one"
    assert noisy["difference"]["value"] == pytest.approx(noisy[names[0]]["value"] - noisy[names[1]]["value"], abs=2e-6)
    kinds = {f"{COUNTS}a": {**row, "noise": "mixed", "not_converged": 3}, f"{COUNTS}b": {**row, "not_converged": 0}}
    page = detectors_page(kinds)
    assert page.index("### Poisson\n") < page.index("### Poisson and Gaussian\n") < page.index("3 of the trainings had")
    assert page.count("had not converged") == 1


def test_a_films_noise_depends_on_the_film_and_the_seed_and_on_nothing_else() -> None:
    images = torch.zeros(3, 1, 16, 16)
    one = with_noise(images, ("a", "b", "c"), 1.0, 0)
    torch.manual_seed(9)
    other = with_noise(images, ("c", "a", "b"), 1.0, 0)
    assert torch.equal(one, other[[1, 2, 0]])
    assert len({tuple(draw.flatten().tolist()) for draw in [*one, *with_noise(images, ("a", "b", "c"), 1.0, 1)]}) == 6


def test_training_and_test_films_are_those_of_the_fold_and_their_lungs_are_the_clean_ones(
    done: Done, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = prepared(done.study)
    cohort = cohort_of(twins()[0])
    assert len(films.normals.digests) == len(cohort.training(FOLD)) == 24
    assert len(films.tested) == len(cohort.testing(FOLD)) == 24
    assert not set(films.digests) & set(films.normals.digests)
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(Detector, "look", lambda *_: pytest.fail("a noisy film is not looked at anew"))
    path = path_of(done.study, Place(1, 0, 0.2))
    kept = path.read_bytes()
    path.unlink()
    from unseen.detectors.roi_oracle import RoiOracle

    aim = RoiOracle.aim

    def spy(self: RoiOracle, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Any:
        seen.append(lungs)
        return aim(self, image, inside, lungs)

    monkeypatch.setattr(RoiOracle, "aim", spy)
    robustness(twins(), fold=FOLD, sigmas=SIGMAS, seeds=SEEDS, root=done.study.root, say=lambda _: None)
    path.write_bytes(kept)
    lungs = [viewed.lungs for viewed in films.tested]
    judged = [mask for mask in seen if len(mask) == 1]
    assert len(judged) == 2 * 24
    assert all(torch.equal(mask[0], lungs[i % 24]) for i, mask in enumerate(judged))


@pytest.mark.slow
def test_a_film_that_cannot_be_read_or_was_learnt_from_is_left_out_and_counted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    shutil.copytree(world.data / "set", tmp_path / "set")
    cohort = cohort_of(twins()[0])
    normals = [entry for entry in cohort.testing(FOLD).entries if entry.label == "normal"]
    shutil.copy(cohort.training(FOLD).entries[0].path, normals[0].path)
    normals[1].path.write_bytes(b"\x89PNG\r\n\x1a\n")
    films = prepared(study_of(twins(), tmp_path))
    assert (films.not_read, films.leaked, len(films.tested), int(films.abnormal.sum())) == (1, 1, 22, 12)


def changed(recipe: Recipe, **update: Any) -> Recipe:
    return recipe.model_copy(update=update)


@pytest.mark.usefixtures("idle")
def test_mistakes_are_sentences(world: World, tmp_path: Path) -> None:
    sure, oracle = twins()
    phantom = Recipe.from_toml('name = "p"\n[method]\nkey = "pca"')
    wider = changed(oracle, method=changed(oracle.method, settings={**oracle.method.settings, "features": 8}))
    for recipes, sentence in (
        ([sure], "compares two recipes, and 1 are given"),
        ([sure, changed(sure, name="other")], "both recipes are roi-sure; give two methods"),
        ([sure, changed(oracle, name=sure.name)], "both recipes are named ms_cxr/roi-sure-64-lungs"),
        ([sure, changed(oracle, view={**oracle.view, "size": 64})], "view: differs between ms_cxr/roi-sure"),
        ([sure, changed(oracle, training={**oracle.training, "epochs": 9})], "training: differs between"),
        ([sure, wider], "method.features: differs between"),
        ([phantom, oracle], "data.manifest: missing in p; .* such as ms_cxr/roi-sure-64-lungs"),
    ):
        with pytest.raises(RecipeError, match=sentence):
            robustness(recipes, root=tmp_path)
    for sigmas in ([], [-0.1], [0.1, 0.1], [0.0, float("nan")], [float("inf")]):
        with pytest.raises(RecipeError, match="noise levels are different numbers from 0 up; seen"):
            robustness([sure, oracle], sigmas=sigmas, root=tmp_path)
    for seeds in ([], [-1], [2, 2]):
        with pytest.raises(RecipeError, match="seeds are different whole numbers from 0 up; seen"):
            robustness([sure, oracle], seeds=seeds, root=tmp_path)
    with pytest.raises(RecipeError, match="fold 7: 0 normal and 0 abnormal films to test on; 2 of each are needed"):
        robustness([sure, oracle], fold=7, root=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("idle")
def test_a_fixed_split_has_one_fold(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    folder = shutil.copytree(world.data / "set", tmp_path / "set")
    split = folder / "splits.csv"
    said = {"0": "test", "1": "train", "2": "train"}
    lines = [line.split(",") for line in split.read_text(encoding="utf-8").splitlines()[1:]]
    split.write_text("\n".join(["file,part", *(f"{file},{said[fold]}" for file, fold in lines)]), encoding="utf-8")
    fixed = [changed(recipe, data=changed(recipe.data, column="part")) for recipe in twins()]
    with pytest.raises(RecipeError, match=r"fold: seen 1, but data\.column fixes what is tested: fold 0"):
        robustness(fixed, fold=1, root=tmp_path)
