"""`evaluate`, `compare`, `info`, `recipes`: what they print and what they write."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tests.cli.conftest import LIMITS, Answer, Say, World
from unseen.artifacts import bundle, card_of
from unseen.artifacts import recipe as recipes
from unseen.runs import generator_training as generator
from unseen.runs import reconstructor_training as reconstructor
from unseen.runs.training import resolve


def joined(folder: Path, *manifests: Path) -> Path:
    """Return one manifest of all, with absolute paths."""
    path = folder / "joined.csv"
    rows = []
    for manifest in manifests:
        with manifest.open(newline="", encoding="utf-8") as file:
            rows += [{**row, "file": str(manifest.parent / row["file"])} for row in csv.DictReader(file)]
    with path.open("w", newline="", encoding="utf-8") as file:
        columns = ["file", "label", "source", "patient", "kind", "contrast", "twin"]
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_evaluate_writes_report_metrics_and_scores_and_leaves_training_films_out(
    say: Say, world: World, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    data = joined(tmp_path, world.twins, world.normals)
    answer = say("evaluate", world.pca, "--data", data, "--out", out)
    assert answer.code == 0, answer.err
    assert {path.name for path in out.iterdir()} == {"report.html", "metrics.json", "scores.parquet"}
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    expected = {"auroc", "like_pairs", "site", "shortcuts", "n", "excluded_training_films", "recipe", "protocol"}
    assert expected <= metrics.keys()
    assert metrics["excluded_training_films"] == 30
    assert metrics["n"]["pooled"] == {"normal": 12, "abnormal": 12}
    pooled = metrics["auroc"]["pooled"]
    assert {"value", "low", "high"} <= pooled.keys() and pooled["low"] <= pooled["value"] <= pooled["high"]
    assert metrics["headline"] in answer.out and metrics["shortcuts"]["verdict"]["pooled"] in answer.out
    assert f"report: {out / 'report.html'}" in answer.out and LIMITS in answer.err
    table = pl.read_parquet(out / "scores.parquet")
    assert table.columns[:3] == ["file", "status", "score"] and len(table) == 54
    with data.open(newline="", encoding="utf-8") as file:
        assert table["file"].to_list() == [row["file"] for row in csv.DictReader(file)]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert LIMITS in page and "http" not in page.split("<body")[0], "one file, nothing from elsewhere"


def test_evaluate_leaves_out_other_films_of_training_patients(say: Say, world: World, tmp_path: Path) -> None:
    def listed(path: Path, *rows: dict[str, str]) -> Path:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return path

    def figures(data: Path) -> tuple[Answer, object]:
        answer = say("evaluate", world.pca, "--data", data, "--out", tmp_path / data.stem)
        assert answer.code == 0, answer.err
        return answer, json.loads((tmp_path / data.stem / "metrics.json").read_text(encoding="utf-8"))["auroc"]

    with joined(tmp_path, world.twins, world.normals).open(newline="", encoding="utf-8") as file:
        known = [{name: row[name] for name in ("file", "label", "source", "patient")} for row in csv.DictReader(file)]
    new, trained = known[:24], known[24:]
    later = []
    for number, row in enumerate(trained[:8]):  # of patients who taught: the same chest with other noise
        pixels = np.array(Image.open(row["file"])).astype(np.int64)
        noise = np.random.default_rng(number).integers(-1, 2, pixels.shape)
        path = tmp_path / f"later-{number}.png"
        Image.fromarray(np.clip(pixels + noise, 0, np.iinfo(np.uint8).max).astype(np.uint8)).save(path)
        later.append(row | {"file": str(path)})
    alone = figures(listed(tmp_path / "new.csv", *new))
    every = figures(listed(tmp_path / "every.csv", *new, *later, *trained))
    assert alone[1] == every[1] and "of these patients" not in alone[0].out
    assert "30 of 62 films left out: the model was trained on them." in every[0].out
    assert "8 of 62 films left out: the model was trained on other films of these patients." in every[0].out
    unknown = [row | {"patient": ""} for row in (*new, *later, *trained)]
    assert figures(listed(tmp_path / "unknown.csv", *unknown))[1] != alone[1], "follow-up films change the figure"


@pytest.mark.nightly
def test_evaluate_agrees_with_scikit_learn(say: Say, world: World, tmp_path: Path) -> None:
    from sklearn.metrics import roc_auc_score

    assert say("evaluate", world.oracle, "--data", world.twins, "--out", tmp_path).code == 0
    table = pl.read_parquet(tmp_path / "scores.parquet")
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    expected = roc_auc_score((table["label"] == "abnormal").to_list(), table["score"].to_list())
    assert metrics["auroc"]["pooled"]["value"] == pytest.approx(expected, abs=1e-6)  # files have six decimals


def test_evaluate_warns_of_copies_and_of_films_of_both_labels(say: Say, world: World, tmp_path: Path) -> None:
    lines = world.twins.read_text(encoding="utf-8").splitlines()
    label = lines[0].split(",").index("label")
    data = shutil.copytree(world.twins.parent, tmp_path / "twins") / "copies.csv"  # the world is that of other tests
    contradiction = lines[1].split(",")
    contradiction[label] = {"normal": "abnormal", "abnormal": "normal"}[contradiction[label]]
    data.write_text("\n".join([*lines, lines[2], lines[3], ",".join(contradiction)]) + "\n", encoding="utf-8")
    warned = " ".join(say("evaluate", world.oracle, "--data", data, "--out", tmp_path / "r").err.split())
    assert f"3 of {len(lines) + 2} labelled films are copies of others, by the pixels." in warned
    assert "1 film is labelled normal and abnormal, by the pixels. Correct the labels" in warned
    assert "copies" not in say("evaluate", world.oracle, "--data", world.twins, "--out", tmp_path / "s").err


def test_evaluate_goes_on_past_a_broken_film_and_says_so_by_its_status(say: Say, world: World, tmp_path: Path) -> None:
    data = joined(tmp_path, world.twins)
    with data.open("a", encoding="utf-8") as file:
        file.write(f"{tmp_path / 'gone.png'},normal,s,p,,,\n")
    answer = say("evaluate", world.pca, "--data", data, "--out", tmp_path / "r")
    assert answer.code == 1 and " films not read; the report gives the reason" in answer.out
    assert json.loads((tmp_path / "r" / "metrics.json").read_text())["n"]["not_read"] == 1
    strict = say("evaluate", world.pca, "--data", data, "--out", tmp_path / "s", "--strict")
    assert strict.code == 2 and "gone.png" in strict.err and not (tmp_path / "s" / "metrics.json").exists()


def test_evaluate_needs_films_of_both_labels_and_says_how_to_have_them(say: Say, world: World, tmp_path: Path) -> None:
    for data, missing in ((world.normals, "abnormal"), (world.bare, "normal")):
        for words in (("evaluate", world.pca, "--out", tmp_path / "r"), ("compare", world.pca, world.oracle)):
            answer = say(*words, "--data", data)
            assert answer.code == 2 and f"no film is labelled {missing}" in answer.err, answer.err
            assert "--normal NAME --abnormal NAME" in answer.err and not (tmp_path / "r").exists()


def test_folders_called_normal_and_abnormal_label_their_films(say: Say, world: World, tmp_path: Path) -> None:
    films = tmp_path / "films"
    for name, film in zip(("Normal", "abnormal"), sorted(world.bare.iterdir()), strict=False):
        (films / name).mkdir(parents=True)
        (films / name / film.name).write_bytes(film.read_bytes())
    answer = say("evaluate", world.pca, "--data", films, "--out", tmp_path / "r")
    assert "2 left out because the model was trained on them" in answer.err, answer.err


def test_evaluate_without_an_auroc_is_an_error_and_prints_no_result(say: Say, world: World, tmp_path: Path) -> None:
    data = joined(tmp_path, world.normals)
    first = sorted((world.twins.parent / "films").glob("*-1-*"))[0]
    with data.open("a", encoding="utf-8") as file:
        file.write(f"{first},abnormal,s,p,,,\n")
    answer = say("evaluate", world.pca, "--data", data, "--out", tmp_path / "r")
    assert answer.code == 2 and answer.out == "", answer.out
    assert "No AUROC: 0 normal and 1 abnormal films" in answer.err
    assert "30 left out because the model was trained on them" in answer.err and "report.html" in answer.err


@pytest.mark.nightly
def test_evaluate_takes_the_sets_own_labels(say: Say, world: World, tmp_path: Path) -> None:
    words_of = {"normal": "healthy", "abnormal": "ill"}
    table = pl.read_csv(world.twins).with_columns(state=pl.col("label").replace(words_of)).drop("label")
    data = shutil.copytree(world.twins.parent, tmp_path / "twins") / "other-words.csv"
    table.write_csv(data)
    words = ("evaluate", world.pca, "--data", data, "--out", tmp_path / "r", "--label-column", "state")
    answer = say(*words, "--normal", "healthy", "--abnormal", "ill")
    assert answer.code == 0 and "on 12 normal and 12 abnormal films" in answer.out, answer.err


def test_compare_prints_the_difference_and_writes_it(say: Say, world: World, tmp_path: Path) -> None:
    data = joined(tmp_path, world.twins, world.normals)
    out = tmp_path / "deep" / "comparison.json"
    answer = say("compare", world.pca, world.oracle, "--data", data, "--out", out)
    assert answer.code == 0, answer.err
    assert f"{world.pca}: AUROC" in answer.out and f"{world.oracle}: AUROC" in answer.out
    assert "24 films, 30 left out" in answer.out and LIMITS in answer.err
    written = json.loads(out.read_text(encoding="utf-8"))
    (pair,) = written["pairs"]
    assert {pair["first"], pair["second"]} == {str(world.pca), str(world.oracle)}
    difference = pair["difference"]
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert pair["p"] is None and "not independent" in pair["delong"]["reason"], "these films are twins"
    assert f"{abs(difference['value']):.2f}"[1:] in answer.out


def test_info_tells_what_a_model_has_learnt_from_and_its_limits(say: Say, world: World) -> None:
    answer = say("info", world.oracle)
    assert answer.code == 0 and LIMITS in answer.out
    card = bundle.load(world.oracle).card
    for word in ("roi-oracle", "30 films", card.weights_sha256[:16], "copied in", card.version):
        assert word in answer.out


def test_info_tells_what_a_shipped_model_reached(say: Say) -> None:
    answer = say("info", "models/pca")
    assert answer.code == 0 and "no Shenzhen mask" in answer.out and "Research, non-commercial" in answer.out
    crossfitted, left_out = answer.out.split("figures [95 % confidence interval]")[1].split("of fold 4")
    interval = r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]  "
    assert "each on other patients than those it scores" in crossfitted
    assert re.search(interval + r"AUROC, all sources \(277 normal, 267 abnormal films\)", crossfitted)
    assert re.search(interval + r"AUROC between the normal films of montgomery and shenzhen; 0\.5", crossfitted)
    assert re.search(interval + r"AUROC, montgomery \(13 normal, 9 abnormal films\)", left_out)
    assert "adjusted" in str(card_of("models/pca").metrics), "cards of earlier versions have this withdrawn figure"
    assert "adjusted" not in answer.out and "adjusted" not in say("info", "models/pca", "--json").out


def test_info_states_the_training_of_networks(say: Say, world: World) -> None:
    facts = bundle.load(world.oracle).card.facts
    budget = f"{facts['training_steps']:.0f} step"
    [line] = [one for one in say("info", world.oracle).out.splitlines() if one.startswith("training ")]
    assert budget in line and "epoch" in line and "feature" in line
    assert say("info", "models/roi-sure").out.count("32 features. Training steps are not recorded in this bundle.") == 1
    assert "250 steps, 16 features" in say("info", "models/lungs").out
    told = say("info", "models/ensemble-five").out
    assert "anatpaste: 200 epochs, 16 features; dae: 30 epochs, 16 features. Training steps are not recorded" in told
    assert "Training steps" not in say("info", "models/pca").out, "principal components have no steps"


def test_info_prints_one_setting_a_line_without_python_syntax(say: Say) -> None:
    answer = say("info", "models/ensemble-five")
    lines = [line.strip() for line in answer.out.splitlines()]
    assert not any(sign in answer.out for sign in ("{", "None", "True", "_twin", "'key'")), answer.out
    assert "by = deviation" in lines and "align = true" in lines and "frame = lungs" in answer.out
    assert any(line.startswith("member 5: key = dae, epochs = 30, settings: features = 16") for line in lines)
    assert say("info", "models/lungs").out.count("loss of Dice") == 1
    found = json.loads(say("info", "models/ensemble-five", "--json").out)
    assert found["settings"]["by"] == "deviation" and found["view"]["align"] is True
    assert found["metrics"]["fold_4"]["n"]["pooled"]["normal"] == 68


def test_info_without_a_model_tells_what_is_installed(say: Say) -> None:
    import torch

    answer = say("info")
    assert answer.code == 0 and torch.__version__.split("+")[0] in answer.out and LIMITS in answer.err


def test_recipes_names_every_recipe_and_each_is_valid(say: Say) -> None:
    answer = say("recipes")
    listed = [line.split()[0] for line in answer.out.splitlines()]
    assert answer.code == 0 and listed == recipes.names() and len(listed) >= 12
    for name in listed:
        if name.startswith("priors/"):
            assert generator.resolve(recipes.load(name)).name == name
            with pytest.raises(recipes.RecipeError, match="is about a generator, not about films"):
                resolve(recipes.load(name))
            continue
        if name.startswith("imaging/"):
            assert reconstructor.resolve(recipes.load(name)).name == name
            with pytest.raises(recipes.RecipeError, match="is about reconstruction, not about films"):
                resolve(recipes.load(name))
            continue
        recipe = resolve(recipes.load(name))
        key, own = recipe.method.key, recipe.short
        assert recipe.name == name and (own == key or own.startswith(f"{key}-") or key == "ensemble"), name
        if name.startswith(("ms_cxr/", "phantoms/")):
            assert str(recipe.view["size"]) in name and str(recipe.view["frame"]) in name


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.nightly)])
def test_a_printed_recipe_is_a_recipe(say: Say, tmp_path: Path, every: int) -> None:
    for name in recipes.names()[::every]:
        path = tmp_path / "mine.toml"
        path.write_text(say("recipes", name).out, encoding="utf-8")
        mine = recipes.load(path)
        assert mine.name == "mine"
        assert mine.model_copy(update={"name": name}) == recipes.load(name)
