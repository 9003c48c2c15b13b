"""`unseen train`: one's own films, a taken finder, runs that are found again, and a kill in the middle."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.cli.conftest import LIMITS, Say, World
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts import bundle
from unseen.artifacts.run_folder import runs_root
from unseen.data import phantoms
from unseen.data.reading import films
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.networks.resnet import ResNet18
from unseen.networks.resnet_weights import published_places


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.mark.usefixtures("quick_lungs")
def test_ones_own_films_with_masks(say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path) -> None:
    answer = say("train", recipe, "--data", world.normals, "--finder", "masks", "--out", tmp_path / "model")
    assert answer.code == 0, answer.err
    assert answer.out.strip() == str(tmp_path / "model"), "the last word on stdout is the model's folder"
    assert "30 normal films" in answer.err and LIMITS in answer.err
    assert "a lung finder is trained first, from the films that have a lung mask" in answer.err
    card = bundle.load(tmp_path / "model").card
    assert card.name == "pca" and len(card.training_films) == 30 and card.finder is not None
    (folder,) = (path for path in runs.iterdir() if path.name.startswith("mine-"))
    assert folder.name == f"mine-0-{card.recipe_digest[:8]}"
    assert {"recipe.toml", "bundle"} <= {path.name for path in folder.iterdir()}


@pytest.mark.nightly
def test_an_epoch_is_chosen_by_unlabelled_films_and_it_is_said_how_well(
    say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path
) -> None:
    told = recipe.read_text(encoding="utf-8").replace('key = "pca"\ncomponents = 8', 'key = "dae"\nfeatures = 4')
    recipe.write_text(f"{told}epochs = 12\nbatch_size = 4\n", encoding="utf-8")
    noise = tmp_path / "noise"
    noise.mkdir()
    for seed in range(4):
        grey = np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(grey).save(noise / f"{seed}.png")
    given = "--data", world.normals, "--finder", world.oracle
    strange = say("train", recipe, *given, "--unlabelled", noise, "--out", tmp_path / "strange")
    card = bundle.load(tmp_path / "strange").card
    assert strange.code == 0 and card.facts["chosen_aucp"] > 0.9
    assert (
        f"epoch {card.facts['chosen_epoch']:.0f} was kept: it separates the unlabelled films best from the normal films"
        f" (AUROC {card.facts['chosen_aucp']:.2f})" in strange.err
    )
    alike = say("train", recipe, *given, "--unlabelled", world.normals)
    assert "was kept: no epoch separates the unlabelled films from the normal films, so" in alike.err
    assert "this choice has no meaning (AUROC 0.50)" in alike.err


def test_a_finder_is_taken_from_another_model(say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path) -> None:
    answer = say("train", recipe, "--data", world.bare, "--finder", world.oracle, "--out", tmp_path / "model")
    assert answer.code == 0, answer.err
    assert not (runs / "lungs").exists(), "no finder is trained"
    one, other = (load_file(path / "weights.safetensors") for path in (world.oracle, tmp_path / "model"))
    lungs = [name for name in one if name.startswith("finder.")]
    assert lungs and all((one[name] == other[name]).all() for name in lungs)
    assert say("score", tmp_path / "model", world.bare).code == 0


@pytest.mark.parametrize("films", ["bare", pytest.param("normals", marks=pytest.mark.nightly)])
def test_films_with_and_without_masks_use_the_installed_finder_and_it_is_reported(
    say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path, films: str
) -> None:
    answer = say("train", recipe, "--data", getattr(world, films), "--out", tmp_path / "model")
    assert answer.code == 0, answer.err
    assert answer.err.count("lungs are found by models/lungs, an installed model") == 1
    assert not (runs / "lungs").exists(), "no finder is trained"
    own, taken = (finder_of(folder) for folder in ("models/lungs", tmp_path / "model"))
    assert isinstance(own, LungFinder) and isinstance(taken, LungFinder)
    assert all(
        torch.equal(one, other) for one, other in zip(own.network.parameters(), taken.network.parameters(), strict=True)
    )


@pytest.mark.nightly  # in short: test_settings_of_the_command_line_reach_the_card
def test_a_setting_is_replaced_on_the_command_line(
    say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path
) -> None:
    words = ("train", recipe, "--data", world.normals, "--finder", world.pca, "--out", tmp_path / "model")
    assert say(*words, "--set", "method.components=5", "--set", "view.size=16").code == 0
    card = bundle.load(tmp_path / "model").card
    assert card.config["components"] == 5 and card.view is not None and card.view["size"] == 16
    assert len(list(runs.glob("mine-*"))) == 1 and say(*words).code == 0
    assert len(list(runs.glob("mine-*"))) == 2, "other settings are another run"


def test_the_sets_own_labels_and_the_films_origin(
    say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path
) -> None:
    films = sorted(world.bare.iterdir())
    for name, part in (("NORMAL", films[:10]), ("PNEUMONIA", films[10:])):
        (tmp_path / "chest" / name).mkdir(parents=True)
        for path in part:
            (tmp_path / "chest" / name / path.name).write_bytes(path.read_bytes())
    words = ("train", recipe, "--data", tmp_path / "chest", "--finder", world.pca, "--out", tmp_path / "model")
    answer = say(*words, "--normal", "normal", "--abnormal", "pneumonia", "--origin", "ward 3, 2019")
    assert answer.code == 0, answer.err
    assert "2 of 12 films are labelled abnormal and left aside" in answer.err and "10 normal films" in answer.err
    assert bundle.load(tmp_path / "model").card.data == "ward 3, 2019"
    assert "ward 3, 2019" in say("info", tmp_path / "model").out
    answer = say(*words, "--normal", "normal")
    assert "2 of 12 films have no label and are left aside" in answer.err and "10 normal films" in answer.err


def test_crossfit_judges_each_film_by_a_detector_that_did_not_learn_from_its_patient(
    say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path
) -> None:
    words = ("train", recipe, "--data", world.twins, "--finder", world.pca, "--set", "method.components=3")
    out, report = tmp_path / "model", tmp_path / "report"
    answer = say(*words, "--crossfit", 4, "--report", report, "--out", out)
    assert answer.code == 0, answer.err
    first, last = answer.out.splitlines()[0], answer.out.splitlines()[-1]
    assert first.startswith("cross-fitted: AUROC 0.") and "on 12 normal and 12 abnormal films" in first
    assert last == str(out) and (report / "report.html").is_file()
    rows = pl.read_parquet(report / "scores.parquet")
    names = [entry.name for entry in films(world.twins).entries]
    assert rows["file"].to_list() == names and sorted(set(rows["fold"])) == [0, 1, 2, 3]
    assert rows.group_by("patient").agg(pl.col("fold").n_unique())["fold"].to_list() == [1] * rows["patient"].n_unique()
    learnt = [set(bundle.load(path).card.training_films) for path in runs.glob("mine-*/bundle")]
    for number in range(4):
        part = rows.filter(pl.col("fold") == number)
        assert any(not one & set(part["pixel_sha256"]) for one in learnt), "one has not seen this part"
    card = bundle.load(out).card
    assert json.loads((report / "metrics.json").read_text())["auroc"] == card.metrics["crossfit"]["auroc"]  # type: ignore[index]
    assert len(card.training_films) == 12 and "AUROC, all sources" in say("info", out).out


def test_a_fold_of_ones_own_films_is_refused_with_the_cure(say: Say, world: World, recipe: Path, runs: Path) -> None:
    answer = say("train", recipe, "--data", world.normals, "--finder", world.pca, "--fold", 0)
    assert answer.code == 2 and "unseen manifest FOLDER --out manifest.csv --folds 5" in " ".join(answer.err.split())


@pytest.mark.nightly
@pytest.mark.usefixtures("quick_lungs")
def test_it_is_said_that_a_finder_learns_from_the_sources_of_the_recipe(
    say: Say, world: World, recipe: Path, runs: Path
) -> None:
    answer = say("train", recipe, "--data", world.normals, "--finder", "masks", "--set", 'data.lungs_from=["phantom"]')
    assert answer.code == 0, answer.err
    assert "a lung finder is trained first, from films of phantom (lungs_from in the recipe)" in answer.err


def test_crossfit_needs_labelled_patients(say: Say, world: World, recipe: Path, runs: Path) -> None:
    few = say("train", recipe, "--data", world.normals, "--crossfit", 5)
    assert few.code == 2 and "0 with abnormal ones, for 5 parts" in few.err
    without = say("train", recipe, "--crossfit", 5)
    assert without.code == 2 and "--crossfit goes with --data" in without.err


@pytest.mark.nightly
def test_losses_go_to_tensorboard(say: Say, world: World, recipe: Path, runs: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told = recipe.read_text(encoding="utf-8").replace('key = "pca"\ncomponents = 8', 'key = "dae"\nfeatures = 4')
    recipe.write_text(f"{told}epochs = 2\n", encoding="utf-8")
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca, "--set", "training.batch_size=4")
    answer = say(*words, "--log", "tensorboard")
    assert answer.code == 0 and f"tensorboard --logdir {runs / 'tensorboard' / 'mine'}" in answer.err, answer.err
    curves = EventAccumulator(str(runs / "tensorboard" / "mine" / "dae"))
    curves.Reload()
    (log,) = (path for path in runs.glob("mine-*/log.csv"))
    rows = pl.read_csv(log)
    for name in curves.Tags()["scalars"]:
        written = [event.value for event in curves.Scalars(name)]
        assert written == pytest.approx(rows[name].to_list(), rel=1e-4), name
    assert len(rows) == 6 and curves.Tags()["scalars"]


def test_progress_is_a_line_now_and_then_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.training import progress_display
    from unseen.training.progress import Progress

    clock = iter([0.0, 3.0, 12.0, 12.0, 15.0])
    monkeypatch.setattr(progress_display.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    report = progress_display.shown_on(stream)
    for step in (1, 2, 3):
        report("pca", Progress(step, 9, 1, {"g": 0.5}, 2.0, 70.0))
    assert stream.getvalue() == "  pca: step 2/9  epoch 1  g 0.5  1:10 left\n"


def test_a_finished_run_is_found_again_and_other_settings_are_another_run(
    say: Say, world: World, recipe: Path, runs: Path
) -> None:
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca)
    first = Path(say(*words).out.strip())
    assert first.parent.parent == runs
    before = (first / "weights.safetensors").stat().st_mtime_ns
    assert Path(say(*words).out.strip()) == first
    assert (first / "weights.safetensors").stat().st_mtime_ns == before
    others = [
        say(*words, "--seed", 1),
        say(*words[:-1], world.oracle),
        say(*words[:3], world.normals, *words[4:]),
    ]
    assert len({first, *(Path(answer.out.strip()) for answer in others)}) == 4


def test_abnormal_films_of_the_manifest_are_left_aside(say: Say, world: World, recipe: Path, runs: Path) -> None:
    answer = say("train", recipe, "--data", world.twins, "--finder", world.pca)
    assert answer.code == 0 and "12 normal films" in answer.err


def test_settings_of_the_command_line_reach_the_card(say: Say, world: World, recipe: Path, runs: Path) -> None:
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca)
    answer = say(*words, "--set", "method.components=5", "--set", "view.size=16")
    assert answer.code == 0, answer.err
    card = bundle.load(Path(answer.out.strip())).card
    assert card.config["components"] == 5 and card.view is not None and card.view["size"] == 16


def test_a_broken_film_is_left_out_and_told(
    say: Say, world: World, recipe: Path, runs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import shutil

    folder = shutil.copytree(world.bare, tmp_path / "films")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    answer = say("train", recipe, "--data", folder, "--finder", world.pca)
    assert answer.code == 1 and "12 normal films" in answer.err
    assert "1 film left out" in answer.err and "broken.png is left out" in caplog.text


def test_runs_made_here_lie_outside_the_repository() -> None:
    assert Path(__file__).parents[2] not in runs_root().resolve().parents


@pytest.mark.nightly
@pytest.mark.usefixtures("quick_lungs")
def test_a_backbone_is_given_as_a_file(say: Say, world: World, runs: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        """
[view]
size = 32
[method]
key = "patch-memory"
features = 4
memory = 16
""",
        encoding="utf-8",
    )
    weights = tmp_path / "resnet18.safetensors"
    words = ("train", recipe, "--data", world.normals, "--backbone", weights)
    answer = say(*words)
    assert answer.code == 2 and "resnet18.safetensors cannot be read" in answer.err and not list(runs.glob("mine-*"))
    save_file(published_weights(ResNet18(features=4)), weights)
    answer = say(*words, "--out", tmp_path / "model")
    assert answer.code == 0, answer.err
    card = bundle.load(tmp_path / "model").card
    assert card.config["backbone"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert "nothing was trained: " in say(*words).err


def test_the_zhanglab_entry_needs_more_films_than_components(say: Say, world: World, runs: Path) -> None:
    answer = say("train", "zhanglab/entry", "--data", world.bare)
    assert answer.code == 2 and "needs 129 normal films or more, and there are 12" in answer.err
    assert not any(path.is_file() and path.name == "card.json" for path in runs.rglob("*"))


@pytest.mark.nightly
def test_the_zhanglab_entry_is_trained_on_a_folder(say: Say, runs: Path, tmp_path: Path) -> None:
    normals, abnormal = tmp_path / "normals", tmp_path / "abnormal"
    phantoms.write(phantoms.normals(254, seed=5, size=64), normals)
    phantoms.write((film for film in phantoms.twins(8, seed=6, size=64) if film.label == "abnormal"), abnormal)
    answer = say("train", "zhanglab/entry", "--data", normals / "films", "--out", tmp_path / "model")
    assert answer.code == 0, answer.err
    card = bundle.load(tmp_path / "model").card
    assert card.name == "ensemble" and len(card.training_films) == 254
    members, view = card.config["members"], card.view
    assert isinstance(members, list) and [one["key"] for one in members] == [
        "feature-pca", "feature-pca", "feature-lda", "anatpaste", "dae",
    ]  # fmt: skip
    assert view is not None and view["size"] == 224 and view["align"] is True
    scores = {}
    for name, folder in (("normal", normals / "films"), ("abnormal", abnormal / "films")):
        table = tmp_path / f"{name}.csv"
        told = say("score", tmp_path / "model", folder, "--out", table)
        assert told.code == 0, told.err
        scores[name] = pl.read_csv(table)["score"].to_numpy()
    assert len(scores["abnormal"]) == 8 and np.isfinite(scores["normal"]).all()
    assert np.median(scores["abnormal"]) > np.median(scores["normal"])


def published_weights(network: ResNet18) -> dict[str, torch.Tensor]:
    """Return the network's weights as they are published: of three colours, in torchvision's names."""
    state = network.state_dict()
    renamed = {name: state[place].clone() for name, place in published_places(state).items()}
    return {**renamed, "conv1.weight": renamed["conv1.weight"].repeat(1, 3, 1, 1) / 3}
