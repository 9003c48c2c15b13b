"""No command replaces a file that it reads, also by another name of the file."""

from __future__ import annotations

import inspect
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cli.conftest import RECIPE, Say, World
from tests.cli.test_mistakes import told
from unseen.artifacts.installed_models import located
from unseen.cli.commands import SERVER
from unseen.cli.program import app

CASES = (
    "score pca --data lab.csv --out lab.csv",
    "score pca --data lab.csv --out hard.csv",
    "score pca --data lab.csv --out soft.csv",
    "score pca lab.csv --out lab.csv",
    "score pca --data lab.csv --policy hard.csv --out lab.csv",
    "score pca --data lab.csv --out pca/",
    "score pca --data lab.csv --policy parts/plan.json --out parts/",
    "score pca --data lab.csv --maps pca",
    "score third --data lab.csv --out third/card.csv",
    "calibrate pca --data lab.csv --out lab.csv",
    "calibrate pca --data lab.csv --out soft.csv",
    "calibrate pca --data lab.csv --out pca/card.json",
    "calibrate pca --data films.csv --out shots/side-by-side.png",
    "calibrate pca oracle --data lab-pca.csv --out lab.csv",
    "evaluate pca --data scores.parquet --out .",
    "evaluate pca --data lab.csv --out pca",
    "evaluate models/phantom-inpainting --data shots --out shots",
    "evaluate models/phantom-inpainting --data metrics.json --out .",
    "evaluate models/phantom-inpainting --data phantoms --measurements metrics.json --out .",
    "compare pca oracle --data lab.csv --out hard.csv",
    "compare pca oracle --data lab.csv --out oracle/weights.safetensors",
    "pilot pca --data lab.csv --out piloted",
    "adapt pca --data lab.csv --out pca",
    "adapt pca --data lab.csv --backbone oracle/weights.safetensors --out oracle",
    "gate pca --data lab.csv --out pca",
    "train mine.toml --data lab.csv --finder pca --out pca",
    "train mine.toml --data scores.parquet --crossfit 2 --report . --finder pca",
    "train imaging/inpainting --start-from inpainter --out inpainter",
    "train imaging/inpainting --start-from inpainter --out link",
    "prior train third/mine.toml --out third",
    "suspects mine.toml --data lab.csv --out lab.csv",
    "suspects mine.toml --data lab.csv --out mine.toml",
    "onnx pca --to pca",
    "manifest films --labels lab.csv --out lab.csv",
    "reconstruct --prior tv y.npy --operator scan.toml --sigma 0.05 --out .",
    "reconstruct --prior tv other/m.npy --operator scan.toml --sigma 0.05 --out .",
    "reconstruct --prior tv other/rows.npy --operator scan.toml --operators rows.npy --sigma 0.05 --out .",
    "reconstruct --prior tv other/scan.npy --operator scan.toml --sigma 0.05 --out linked",
    "reconstruct inpainter y.npy --out .",
)
REFUSES = {"manifest": "is there already", "prior": "holds other files"}
"""Words of commands that refuse every file that exists, or every folder with files that are no model's."""


@pytest.fixture
def folder(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with films, models, measurements and an operator, and links to some of them."""
    films = tmp_path / "films"
    shutil.copytree(world.twins.parent, films)
    table = pl.read_csv(films / "manifest.csv").with_columns(pl.format("films/{}", "file").alias("file"))
    table.write_csv(tmp_path / "lab.csv")
    table.write_csv(tmp_path / "lab-pca.csv")
    (tmp_path / "films.csv").write_text("file,label\nshots/side-by-side.png,abnormal\n")
    table.write_parquet(tmp_path / "scores.parquet")
    for name, model in (("pca", world.pca), ("oracle", world.oracle), ("third", world.pca)):
        shutil.copytree(model, tmp_path / name)
    shutil.copytree(located(Path("models/phantom-inpainting")), tmp_path / "inpainter")
    for name in ("other", "linked", "shots", "parts", "piloted"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine.toml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "third" / "mine.toml").write_text(RECIPE, encoding="utf-8")
    y = np.ones((1, 1, 16, 16), np.float32)
    for name in ("y", "other/m", "other/rows", "other/scan"):
        np.save(tmp_path / f"{name}.npy", y)
    np.save(tmp_path / "m.npy", y[0] > 0)
    np.save(tmp_path / "rows.npy", np.zeros(1, int))
    (tmp_path / "scan.toml").write_text('operator = "mask"\nmask = {file = "m.npy"}', encoding="utf-8")
    os.link(tmp_path / "scan.toml", tmp_path / "linked" / "scan.npy")
    os.link(tmp_path / "lab.csv", tmp_path / "hard.csv")
    os.link(tmp_path / "lab.csv", tmp_path / "piloted" / "pilot.json")
    (tmp_path / "soft.csv").symlink_to("lab.csv")
    (tmp_path / "link").symlink_to("inpainter")
    film = next(iter((films / "films").iterdir()))
    for name in ("third/card.csv", "parts/plan.json", "shots/side-by-side.png", "metrics.json"):
        shutil.copy(film, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", CASES)
def test_an_output_that_is_an_input_is_refused_before_the_work(command: str, say: Say, folder: Path) -> None:
    before = content(folder)
    answer = say(*command.split())
    told(answer, next((words for name, words in REFUSES.items() if command.startswith(name)), "this command reads"))
    assert content(folder) == before
    assert "scored" not in answer.err and not answer.out, answer


def test_every_command_with_an_output_is_among_the_cases() -> None:
    written = {
        command.name
        for command in app.registered_commands
        if command.callback is not None
        and {"out", "to", "report"} & inspect.signature(command.callback).parameters.keys()
    }
    written |= {"calibrate", "prior"}  # whose output has another name, or which is a group
    assert written - set(SERVER) == {command.split()[0] for command in CASES}, "commands of the server read worklists"


def test_outputs_next_to_the_inputs_are_written(say: Say, folder: Path) -> None:
    shots = Path("shots")
    (shots / "scores.csv").write_text("an earlier one")
    for words in (
        ("score", "pca", "--data", shots, "--out", shots / "scores.csv"),
        ("score", "pca", shots, "--out", shots / "scores.csv"),
        ("reconstruct", "--prior", "tv", "y.npy", "--operator", "scan.toml", "--sigma", 0.05, "--out", "images"),
        ("reconstruct", "--prior", "tv", "y.npy", "--operator", "scan.toml", "--sigma", 0.05, "--out", "images"),
    ):
        answer = say(*words)
        assert answer.code == (1 if words[0] == "score" else 0), answer.err  # the table itself is no film
        assert "this command reads" not in answer.err
    assert (shots / "scores.csv").read_text().startswith("file,")
