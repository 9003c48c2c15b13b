"""`python -m studies.robustness`: the table, the JSON, what is said on the way, and how it is stopped."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer

from studies.robustness import study as module
from studies.robustness.__main__ import main
from studies.robustness.__main__ import program as command_line
from tests.cli.conftest import LIMITS, Say, saying
from tests.cli.test_mistakes import told
from tests.studies.conftest import AtOnce, SmallLungs, copied_set, recipe_of
from tests.warm_python import Started, warm_python
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts import recipe as recipes
from unseen.runs.cohort import cohort_of

PROGRAM = """
import os

from tests.studies.conftest import SmallLungs
from unseen.anatomy.lung_finder import LungFinder

LungFinder.Config = SmallLungs  # workers read this file too
if __name__ == "__main__":
    os.setsid()
    from studies.robustness.__main__ import main

    main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for $UNSEEN_DATA: 72 films in three folds, and the recipes of both methods."""
    folder = tmp_path_factory.mktemp("robustness")
    copied_set(tmp_path_factory, folder / "set")
    for method, name in (("roi-sure", "sure"), ("roi-oracle", "oracle")):
        recipe = recipe_of(method)
        short = recipe.model_copy(update={"name": name, "training": {**recipe.training, "epochs": 1}})
        (folder / f"{name}.toml").write_text(short.to_toml(), encoding="utf-8")
    return folder


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    return saying(main, monkeypatch, capsys)


@pytest.fixture
def here(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNSEEN_DATA", str(data))
    monkeypatch.setenv("UNSEEN_RUNS", str(data / "runs"))  # one finder for all
    monkeypatch.setattr(LungFinder, "Config", SmallLungs)
    monkeypatch.setattr(module, "worker_processes", AtOnce)
    return tmp_path


def twins(data: Path) -> tuple[Path, Path]:
    return data / "sure.toml", data / "oracle.toml"


@pytest.mark.nightly
@pytest.mark.slow
def test_a_table_each_way_the_films_own_noise_and_the_json(say: Say, data: Path, here: Path) -> None:
    out = here / "deep" / "robustness.json"
    words = (*twins(data), "--sigma", 0, "--sigma", 0.1, "--seeds", 2, "--fold", 1)
    answer = say(*words, "--out", out)
    assert answer.code == 0, answer.err
    row = json.loads(out.read_text(encoding="utf-8"))
    assert (row["recipes"], row["sigmas"], row["seeds"], row["fold"]) == (["sure", "oracle"], [0, 0.1], [0, 1], 1)
    head, *tables, own = answer.out.rstrip().split("\n\n")
    assert "12 normal and 12 abnormal films of fold 1, mean over 2 seeds" in head
    same, clean = (table.splitlines() for table in tables)
    assert same[0].split() == ["trained", "and", "tested", "at", "σ", "sure", "oracle", "difference"]
    assert clean[0].startswith("trained clean, tested at σ ")
    shown = {(0.0, 0.0): same[1], (0.1, 0.1): same[2], (0.0, 0.1): clean[1]}
    assert len(same) == 3 and len(clean) == 2
    for entry in row["auroc"]["score"]:
        line = shown.get((entry["trained"], entry["tested"]))
        if line is not None:
            assert line.split()[0] == f"{entry['tested']:g}"
            for name in ("sure", "oracle", "difference"):
                for value in entry[name].values():
                    assert f"{abs(value):.2f}" in line
    assert "+0.00 [+0.00, +0.00]" in same[1], "without noise the twins are one"
    assert own.startswith(
        f"The films' own noise, estimated from their finest details: σ {row['own_sigma']['0.5']:.3g} "
    )
    assert LIMITS in answer.err and f"written: {out}" in answer.err
    assert re.search(r"^  8/8  (sure|oracle), seed [01], σ 0(\.1)?: \d+ s of training$", answer.err, flags=re.MULTILINE)

    again = say(*words)
    assert again.code == 0 and again.out == answer.out and "8 trainings, 8 of them found again" in again.err

    kept = next((data / "runs" / "robustness").glob("sure-f1-*.json"))
    kept.write_text(kept.read_text(encoding="utf-8").replace('"converged": null', '"converged": false'))
    assert "Not converged: 1 of 8 trainings" in say(*words).out


def test_without_a_clean_training_there_is_one_table(say: Say, data: Path, here: Path) -> None:
    out = here / "deep" / "robustness.json"
    answer = say(*twins(data), "--sigma", 0.1, "--seeds", 1, "--fold", 1, "--out", out)
    assert answer.code == 0, answer.err
    assert "trained clean" not in answer.out and "mean over 1 seed;" in answer.out
    row = json.loads(out.read_text(encoding="utf-8"))
    assert (row["recipes"], row["sigmas"], row["seeds"], row["fold"]) == (["sure", "oracle"], [0.1], [0], 1)
    (entry,) = row["auroc"]["score"]
    (line,) = (line for line in answer.out.splitlines() if line.split()[:1] == ["0.1"])
    for name in ("sure", "oracle", "difference"):
        assert all(f"{abs(value):.2f}" in line for value in entry[name].values())
    assert f"written: {out}" in answer.err


@pytest.mark.nightly
@pytest.mark.slow
def test_a_film_that_is_not_read_shows_in_the_exit_status(
    say: Say, data: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(data / "set", here / "set")
    monkeypatch.setenv("UNSEEN_DATA", str(here))
    cohort = cohort_of(recipes.load(data / "sure.toml"))
    cohort.testing(0).entries[0].path.write_bytes(b"\x89PNG\r\n\x1a\n")
    answer = say(*twins(data), "--sigma", 0.1, "--seeds", 1)
    assert answer.code == 1, answer.err
    assert "1 films were not read and are left out" in answer.out


def test_mistakes_are_told_before_anything_is_trained(say: Say, data: Path, here: Path) -> None:
    sure, oracle = twins(data)
    told(say("phantoms/roi-sure-64-lungs", "phantoms/pca-64-lungs"), "data.manifest: missing in phantoms/")
    told(say(sure, sure), "both recipes are roi-sure; give two methods")
    told(say(sure, oracle, "--sigma", -1), "noise levels are different numbers from 0 up; seen [-1.0]")
    told(say(sure, oracle, "--fold", 8), "fold 8: 0 normal and 0 abnormal films")
    told(say(sure, "ms_cxr/roi-oracle-64-lung"), "did you mean ms_cxr/roi-oracle-64-lungs?")
    told(say(sure, oracle, "--out", here), "is a folder; give a file")
    (here / "file").write_text("in the way")
    told(say(sure, oracle, "--out", here / "file" / "r.json"), "file")
    assert {path.name for path in here.iterdir()} == {"file"}


def test_the_help_names_the_defaults() -> None:
    command: Any = typer.main.get_command(command_line)
    parameters = {parameter.name: parameter for parameter in command.params}
    assert [parameters[name].default for name in ("first", "second")] == [
        "ms_cxr/roi-sure-64-lungs",
        "ms_cxr/roi-oracle-64-lungs",
    ]
    assert tuple(range(parameters["seeds"].default)) == module.SEEDS
    assert f"Default: {' '.join(f'{sigma:g}' for sigma in module.SIGMAS)}" in parameters["sigma"].help


@pytest.fixture
def begun(data: Path, tmp_path: Path) -> Iterator[Started]:
    """The command in its own process group, with real workers; what it says is in the file `err`."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    for name in ("sure", "oracle"):
        text = (data / f"{name}.toml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.toml").write_text(text.replace("epochs = 1\n", "epochs = 20\n"), encoding="utf-8")
    words = [str(tmp_path / "sure.toml"), str(tmp_path / "oracle.toml"), "--sigma", "0.1"]
    process = warm_python().start(
        program,
        *words,
        "--seeds",
        12,
        cwd=Path.cwd(),
        environment=os.environ
        | {"UNSEEN_DATA": str(data), "UNSEEN_RUNS": str(tmp_path / "runs")}
        | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
        out=Path(os.devnull),
        err=tmp_path / "err",
    )
    yield process
    for member in [process.pid, *family(process.pid)]:
        if psutil.pid_exists(member):
            psutil.Process(member).kill()
    process.wait()


def family(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)] if psutil.pid_exists(pid) else []


def gone(pids: list[int], *, within_s: float) -> bool:
    end = time.monotonic() + within_s
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGINT, id="ctrl-c"), pytest.param(signal.SIGKILL, id="killed")],
)
def test_stopped_at_any_moment_no_worker_is_left_and_what_was_finished_is_kept(
    begun: Started, tmp_path: Path, how: signal.Signals
) -> None:
    while "\n  1/24  " not in (said := (tmp_path / "err").read_text(encoding="utf-8")):
        assert begun.poll() is None, said
        time.sleep(0.02)
    workers = family(begun.pid)
    assert len(workers) >= 2
    if how == signal.SIGINT:
        os.killpg(begun.pid, how)  # as a terminal does
    else:
        begun.send_signal(how)
    code = begun.wait(timeout=60)
    assert gone(workers, within_s=30)
    said = (tmp_path / "err").read_text(encoding="utf-8")
    kept = list((tmp_path / "runs" / "robustness").glob("*.json"))
    assert 1 <= len(kept) < 24, "it was over before it was stopped"
    if how == signal.SIGINT:
        assert code == 130
        assert "  stopped; finished trainings are kept. Run the same command again to resume\n" in said
        assert "Traceback" not in said and "Error" not in said, said
    else:
        assert code == -signal.SIGKILL
