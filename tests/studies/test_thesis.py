"""The thesis's protocol on the tiny set: one fixed split, the test films scored after each epoch, a line an epoch."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from studies.thesis_rows import _chosen_on_one_half, thesis_row
from studies.thesis_training import train_thesis
from tests.studies.conftest import World, recipe_of
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.data.film import Film
from unseen.detectors.finding import Finding
from unseen.detectors.ganomaly_family import EncoderDecoderEncoder
from unseen.runs.cohort import cohort_of
from unseen.runs.training import Trained, resolve, run_of
from unseen.training.history import EPOCHS, History
from unseen.training.progress import Progress

CURVES = ("auroc", "auroc_reconstruction", "auroc_train_mode_by_class", "auroc_train_mode_mixed", "cosine")


def thesis_recipe(method: str = "roi-sure") -> Recipe:
    base = recipe_of(method)
    data = base.data.model_copy(update={"column": "thesis"})
    training = {**base.training, "epochs": 3, "checkpoint_every_steps": 2}
    return resolve(base.model_copy(update={"name": f"thesis/{method}", "data": data, "training": training}))


@pytest.fixture(scope="module")
def fixed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The set with a column `thesis` in its split: a third trains, a third tests, a third is left aside."""
    folder = tmp_path_factory.mktemp("thesis")
    shutil.copytree(world.data / "set", folder / "set")
    split = folder / "set" / "splits.csv"
    with split.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with split.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "fold", "thesis"])
        writer.writeheader()
        parts = {"0": "test", "1": "train", "2": ""}
        writer.writerows({**row, "thesis": parts[row["fold"]]} for row in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_DATA", str(folder))
        yield folder


@dataclass(frozen=True)
class Done:
    trained: Trained
    root: Path

    @property
    def folder(self) -> Path:
        return self.trained.run.folder


@pytest.fixture(scope="module")
def done(fixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    root = tmp_path_factory.mktemp("runs")
    return Done(train_thesis(thesis_recipe(), root=root), root)


def epochs_of(folder: Path) -> list[dict[str, str]]:
    with (folder / EPOCHS).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def films_to_test() -> list[Film]:
    return [film for film in cohort_of(thesis_recipe()).testing() if isinstance(film, Film)]


def test_it_learns_from_the_train_parts_normals_alone_and_tests_the_test_part(fixed: Path, done: Done) -> None:
    with (fixed / "set" / "splits.csv").open(newline="", encoding="utf-8") as file:
        part_of = {row["file"]: row["thesis"] for row in csv.DictReader(file)}
    cohort = cohort_of(thesis_recipe())
    learnt = {film.pixel_sha256 for film in cohort.training(None) if isinstance(film, Film)}
    assert set(done.trained.detector.training_films) == learnt and len(learnt) == 12
    assert {part_of[entry.name] for entry in cohort.training(None).entries} == {"train"}
    assert {part_of[entry.name] for entry in cohort.testing().entries} == {"test"}
    assert len(cohort.testing()) == 24 and not learnt & {film.pixel_sha256 for film in films_to_test()}


def test_each_epoch_has_a_line_and_its_scores(done: Done) -> None:
    rows = epochs_of(done.folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    abnormal = [film.label == "abnormal" for film in films_to_test()]
    for row in rows:
        assert set(row) == {"epoch", *CURVES}
        scores = np.load(done.folder / "epochs" / f"{int(row['epoch']):03d}.npy")
        for name, one in zip(CURVES[:-1], scores, strict=True):
            assert float(row[name]) == pytest.approx(roc_auc_score(abnormal, one), abs=1e-6)
        assert -1 <= float(row["cosine"]) <= 1
    assert len({tuple(row.values())[1:] for row in rows}) == 3, "each epoch's networks are others"


def test_the_last_epochs_scores_are_those_of_the_detector(done: Done) -> None:
    detector = done.trained.detector
    assert isinstance(detector, EncoderDecoderEncoder)
    kept = np.load(done.folder / "epochs" / "003.npy")
    found = [finding for finding in detector.score(films_to_test()) if isinstance(finding, Finding)]
    for row, part in zip(kept[:2], ("latent", "reconstruction"), strict=True):
        assert row == pytest.approx([finding.parts[part] for finding in found], rel=1e-4)
    assert float(epochs_of(done.folder)[-1]["cosine"]) == pytest.approx(detector.encoders_cosine(), abs=1e-6)


def test_in_train_mode_a_score_depends_on_the_batch(done: Done) -> None:
    detector = done.trained.detector
    assert isinstance(detector, EncoderDecoderEncoder)
    kept = np.load(done.folder / "epochs" / "003.npy")
    viewed = [detector.look(film) for film in films_to_test()]
    image, inside = (torch.stack([getattr(v, name) for v in viewed]) for name in ("image", "inside"))
    lungs = torch.stack([v.inside if v.lungs is None else v.lungs for v in viewed])
    abnormal = np.array([film.label == "abnormal" for film in films_to_test()])
    batch = int(str(thesis_recipe().training["batch_size"]))
    order = [*np.flatnonzero(~abnormal), *np.flatnonzero(abnormal)]
    networks = [detector.networks[name].train() for name in ("e1", "de", "e2")]
    with torch.no_grad():
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            distance = detector.distance(detector.aim(image[part], inside[part], lungs[part]))[0]
            assert kept[2, part] == pytest.approx(distance.numpy(), rel=1e-4)
    assert kept[2] != pytest.approx(kept[3], rel=1e-3) and kept[2] != pytest.approx(kept[0], rel=1e-3)
    for network in networks:
        network.eval()


def test_a_finished_run_is_found_with_its_epochs(done: Done) -> None:
    before = (done.folder / EPOCHS).stat().st_mtime_ns
    again = train_thesis(thesis_recipe(), root=done.root)
    assert again.found and again.run == done.trained.run == run_of(thesis_recipe(), root=done.root)[0]
    assert (done.folder / EPOCHS).stat().st_mtime_ns == before
    assert again.history is not None and set(again.history.validation) == set(CURVES)
    assert History.from_log(done.trained.run.log).validation == again.history.validation


@pytest.mark.parametrize("step", [2, 3, 4, 8], ids=["within", "an epoch's end", "the next's begin", "within the last"])
def test_an_interrupted_run_goes_on_to_the_same_epochs(fixed: Path, done: Done, tmp_path: Path, step: int) -> None:
    def press(what: str, progress: Progress) -> None:
        if what == "roi-sure" and progress.step == step:
            raise KeyboardInterrupt

    shutil.copytree(done.root / "lungs", tmp_path / "lungs")
    with pytest.raises(KeyboardInterrupt):
        train_thesis(thesis_recipe(), root=tmp_path, progress=press)
    run, _ = run_of(thesis_recipe(), root=tmp_path)
    assert run.checkpoint.is_file() is (step > 2) and not run.bundle.exists()
    steps: list[int] = []
    trained = train_thesis(
        thesis_recipe(),
        root=tmp_path,
        progress=lambda what, progress: steps.append(progress.step) if what == "roi-sure" else None,
    )
    assert trained.run == run and steps[-1] == 9 and (steps[0] > 1) is (step > 2), "it did not begin anew"
    assert (run.folder / EPOCHS).read_bytes() == (done.folder / EPOCHS).read_bytes()
    for epoch in ("001", "002", "003"):
        one, other = (np.load(folder / "epochs" / f"{epoch}.npy") for folder in (run.folder, done.folder))
        assert np.array_equal(one, other)


def test_a_method_without_a_loop_has_no_epochs(fixed: Path, done: Done) -> None:
    trained = train_thesis(thesis_recipe("pca"), root=done.root)
    assert trained.history is None and len(trained.detector.training_films) == 12
    assert not (trained.run.folder / EPOCHS).exists() and not (trained.run.folder / "epochs").exists()


def test_the_row_holds_the_curves_and_what_choosing_the_epoch_gives(done: Done) -> None:
    row = thesis_row(thesis_recipe(), root=done.root)
    curve = [float(line["auroc"]) for line in epochs_of(done.folder)]
    assert row["by_epoch"]["auroc"] == pytest.approx(curve, abs=1e-6) and len(row["by_epoch"]["cosine"]) == 3
    assert row["epochs_done"] == row["epochs"] == 3 and len(row["curve"]) == 3 and row["steps"] == 9
    assert row["auroc"]["best_epoch"]["value"] == pytest.approx(max(curve), abs=1e-6)
    assert row["auroc"]["last_epoch"]["value"] == pytest.approx(curve[-1], abs=1e-6)
    assert row["chosen"]["epoch"] == curve.index(max(curve)) + 1
    assert row["metrics"]["auroc"]["pooled"]["value"] == pytest.approx(curve[-1], abs=0.02)
    assert row["n"] == {"normal": 12, "abnormal": 12} and row["recipe_digest"].startswith(done.folder.name[-8:])
    assert not any(film.name in json.dumps(row) for film in films_to_test()), "a row names no film"


def test_the_epoch_chosen_on_one_half_is_measured_on_the_other(done: Done) -> None:
    abnormal = np.array([film.label == "abnormal" for film in films_to_test()])
    rng = np.random.default_rng(3)
    luck = rng.normal(size=(40, len(abnormal)))  # forty epochs that know nothing
    best = max(roc_auc_score(abnormal, scores) for scores in luck)
    assert best > 0.65 and abs(_chosen_on_one_half(luck, abnormal) - 0.5) < 0.1


def test_a_row_of_a_training_under_way_says_how_far_it_is(fixed: Path, done: Done, tmp_path: Path) -> None:
    def press(what: str, progress: Progress) -> None:
        if what == "roi-sure" and progress.step == 8:
            raise KeyboardInterrupt

    shutil.copytree(done.root / "lungs", tmp_path / "lungs")
    with pytest.raises(RecipeError, match=r"has not finished an epoch; train it first"):
        thesis_row(thesis_recipe(), root=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_thesis(thesis_recipe(), root=tmp_path, progress=press)
    row = thesis_row(thesis_recipe(), root=tmp_path)
    assert row["epochs_done"] == 2 and row["epochs"] == 3 and len(row["by_epoch"]["auroc"]) == 2
    assert "metrics" not in row and row["auroc"]["last_epoch"]["value"] == row["by_epoch"]["auroc"][-1]
