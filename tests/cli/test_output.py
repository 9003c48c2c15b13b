"""Output options of the commands: `--json` prints one document, `--quiet` only results; mistakes come before torch."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from tests.cli.conftest import LIMITS, Say, World
from unseen.cli import console
from unseen.cli.program import run
from unseen.data.phantoms import normals
from unseen_server.worklist.store import Store

LIGHT = (
    ("score", "models/pca"),
    ("score", "models/pca", "film.png", "--out", "rows.txt"),
    ("score", "models/none", "film.png"),
    ("score", "models/pca", "film.png", "--policy", "gone.json"),
    ("train", "no/such-recipe"),
    ("train", "detectors/pca", "--data", "gone"),
    ("train", "detectors/pca", "--crossfit", "5"),
    ("train", "detectors/pca", "--data", ".", "--finder", "models/none"),
    ("suspects", "detectors/pca", "--data", "gone"),
    ("evaluate", "models/none", "--data", "gone.csv", "--out", "report"),
    ("evaluate", "models/pca", "--data", "gone.csv", "--out", "report"),
    ("compare", "models/pca", "--data", "gone.csv"),
    ("compare", "models/none", "models/pca", "--data", "gone.csv"),
    ("calibrate", "models/none", "--data", "gone.csv"),
    ("calibrate", "models/pca", "--data", "gone.csv", "--prevalence", "3"),
    ("pilot", "models/none", "--data", "gone.csv", "--out", "pilot"),
    ("gate", "models/pca", "--data", "gone.csv", "--out", "gated"),
    ("adapt", "models/pca", "--data", "gone.csv", "--out", "adapted"),
    ("onnx", "models/none", "--to", "onnx"),
    ("prior", "train", "no/such-recipe"),
    ("info", "gone"),
)


def test_mistakes_are_reported_and_the_server_starts_before_torch_is_imported(tmp_path: Path) -> None:
    """One process for all commands and for the server with the imaging lab's forms, so that what imports torch fails
    from there on."""
    (tmp_path / "film.png").write_bytes(b"no image")
    program = (
        "import json, sys\n"
        "from unseen.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    sys.argv = ['unseen', *words]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as left:\n"
        "        print(left.code, 'torch' in sys.modules, *words)\n"
        "import unseen_server.web.lab, unseen_server.web.server\n"
        "print('server', 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(LIGHT)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    reported = [line for line in done.stdout.splitlines() if line.startswith("2 ")]
    assert reported == [f"2 False {' '.join(words)}" for words in LIGHT], done.stderr
    assert done.stdout.splitlines()[-1] == "server False"


def test_json_is_one_document_with_the_rows_the_counts_and_the_limits(say: Say, world: World) -> None:
    answer = say("score", world.pca, world.bare, "--json")
    found = json.loads(answer.out)
    assert answer.code == 0 and found["limits"] == LIMITS
    assert found["scored"] == len(found["films"]) == 12 and found["not_read"] == 0
    assert {"file", "status", "score", "reason"} <= found["films"][0].keys()
    plain = say("score", world.pca, world.bare).out.splitlines()
    assert [f"{row['score']:.6g}" for row in found["films"]] == [line.split("\t")[0] for line in plain]


def test_json_of_a_mistake_has_the_sentence(say: Say) -> None:
    answer = say("score", "models/pca", "--json")
    assert answer.code == 2 and "give either FILES or --data" in json.loads(answer.out)["error"]
    assert "give either FILES or --data" in answer.err
    assert "gone.toml" in json.loads(say("train", "gone.toml", "--json").out)["error"]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("score",), "Missing argument 'model'"),
        (("score", "models/pca", "a.png", "--jso"), "No such option"),
        (("score", "models/pca", "a.png", "--runtime", "x"), "'x' is not one of"),
        (("train", "detectors/pca", "--fold", "x"), "Invalid value for '--fold'"),
        (("train", "detectors/pca", "--epochs", "3"), "Give --set training.epochs=VALUE"),
        (("prior", "train"), "Missing argument 'recipe'"),
        (("invite", "ann", "--rol", "admin"), "No such option"),
        (("scor",), "No such command"),
    ],
)
def test_json_of_a_command_line_that_cannot_be_parsed_has_the_sentence(
    words: tuple[str, ...], sentence: str, say: Say
) -> None:
    answer = say(*words, "--json")
    assert answer.code == 2 and sentence in json.loads(answer.out)["error"], answer.out
    assert say(*words).out == ""


@pytest.mark.parametrize(
    "error, sentence",
    [
        (OSError(errno.ENOSPC, "No space left on device", "out/scores.csv"), "the disk is full (out/scores.csv: No sp"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full (Disk quota exceeded). Free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), "out: permission denied. Check its permissions"),
        (
            ModuleNotFoundError("No module named 'ray'", name="ray"),
            "--engine ray needs a package that is not installed",
        ),
    ],
)
def test_json_of_a_failure_has_the_sentence_of_standard_error(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = typer.Typer()

    @failing.callback(invoke_without_command=True)
    @console.with_output_options
    def fail() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["fail", "--json"])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # `run` replaces it
    with pytest.raises(SystemExit, match="2"):
        run(failing)
    printed = capsys.readouterr()
    found = json.loads(printed.out)["error"]
    assert found.startswith(sentence) and f"unseen: {found}" in printed.err


@pytest.mark.parametrize("words", [("info",), ("info", "models/pca"), ("recipes",), ("recipes", "detectors/pca")])
def test_json_of_what_is_installed(words: tuple[str, ...], say: Say) -> None:
    answer = say(*words, "--json")
    assert answer.code == 0 and json.loads(answer.out).keys() > {"notes", "limits"}


def test_quiet_leaves_results_and_the_limits(say: Say, world: World) -> None:
    words = ("score", world.pca, world.bare)
    loud, quiet = say(*words), say(*words, "--quiet")
    assert loud.out == quiet.out and len(quiet.out.splitlines()) == 12
    assert "12 scored" in loud.err and quiet.err.strip() == LIMITS


def test_json_of_an_evaluation_has_the_figure_with_its_interval(say: Say, world: World, tmp_path: Path) -> None:
    answer = say("evaluate", world.pca, "--data", world.twins, "--out", tmp_path / "report", "--json")
    found = json.loads(answer.out)
    assert 0 <= found["auroc"]["low"] <= found["auroc"]["value"] <= found["auroc"]["high"] <= 1
    assert found["report"] == str(tmp_path / "report" / "report.html") and found["films"] == 24


def test_random_noise_is_not_counted_as_scored(say: Say, tmp_path: Path) -> None:
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)).save(noise)
    answer = say("score", "models/pca", noise)
    assert answer.code == 0 and answer.out.startswith("refused (")
    assert "0 scored, 1 refused" in answer.err and "1 scored" not in answer.err
    found = json.loads(say("score", "models/pca", noise, "--json").out)
    assert (found["scored"], found["refused"]) == (0, 1) and found["films"][0]["reason"]


def test_calibrate_reuses_the_scores_of_evaluate_and_makes_the_same_policy(
    say: Say, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    words = ("calibrate", world.pca, "--data", world.twins, "--max-miss-rate", 0.3)
    fresh = say(*words, "--out", tmp_path / "fresh.json")
    assert fresh.code == 0 and "that `unseen evaluate` has computed" not in fresh.err
    assert say("evaluate", world.pca, "--data", world.twins, "--out", tmp_path / "report").code == 0
    reused = say(*words, "--out", tmp_path / "reused.json")
    assert "scores of 24 films are those that `unseen evaluate` has computed" in reused.err
    one, other = (json.loads((tmp_path / name).read_text()) for name in ("fresh.json", "reused.json"))
    for part in ("sources", "drift", "probability", "films", "model_digest"):
        assert one[part] == other[part], part
    (kept,) = (tmp_path / "runs" / "scores").iterdir()
    kept.write_bytes(b"damaged")
    assert "that `unseen evaluate`" not in say(*words, "--out", tmp_path / "again.json").err


CLEARED = "\r\033[K"


@pytest.mark.parametrize(
    "show",
    [
        lambda: console.step("next"),
        lambda: console.note("next"),
        lambda: console.warn("next"),
        lambda: console.error("next"),
        lambda: console.limits(),
        lambda: console.result("next"),
        lambda: console.item("films", "next", {}),
    ],
)
def test_a_count_on_a_terminal_is_removed_before_the_next_output(
    show: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    console.count_progress("scored", 1_200)(120)
    show()
    shown = capsys.readouterr().err
    assert shown.startswith(f"{CLEARED}  scored: 120 of 1,200") and shown.count(CLEARED) == 2
    show()
    assert CLEARED not in capsys.readouterr().err
    console.rate_progress("scored")(10, 10, 20)
    console.result(None)
    show()
    assert capsys.readouterr().err.count(CLEARED) == 2


def test_commands_print_through_the_console_alone() -> None:
    """`typer.echo` and `print` would be appended to a count on a terminal; the console removes the count first."""
    folders = (Path("src/unseen/cli"), Path("server/src/unseen_server/cli"))
    files = [path for folder in folders for path in sorted(folder.glob("*.py")) if path.name != "console.py"]
    assert len(files) > 25
    found = [
        f"{path}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "typer.secho")
        if "__version__" not in ast.unparse(node)  # the program's own option: no command runs
    ]
    assert not found, found


def test_a_complete_count_stays_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    console.rate_progress("scored")(20, 20, 20)
    console.note("next")
    shown = capsys.readouterr().err
    assert shown.startswith(f"{CLEARED}  scored: 20 of 20") and shown.count(CLEARED) == 1


def test_a_count_elsewhere_is_not_removed(capsys: pytest.CaptureFixture[str]) -> None:
    console.count_progress("scored", 1_200)(120)
    console.note("next")
    assert capsys.readouterr().err == "  next\n"


def test_a_count_in_a_file_ends_with_its_total_for_each_model(capsys: pytest.CaptureFixture[str]) -> None:
    count = console.count_progress("scored", 3)
    for done in (1, 2, 3, 1, 2, 3):
        count(done)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, lines
    assert all(re.fullmatch(r"  scored: 3 of 3, \S+ films/s, \d+ s in all", line) for line in lines), lines


def test_time_before_the_count_begins_is_no_time_of_its_films(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`unseen adapt` reads all films before: its first line stated days for minutes."""
    now = 0.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    count = console.count_progress("looked at", 100)
    now = 600.0
    count(0)
    now = 640.0
    count(20)
    assert capsys.readouterr().err == "  looked at: 20 of 100, 0.5 films/s, 2 min 40 s left\n"


def test_the_notes_of_json_hold_no_progress(say: Say, world: World, tmp_path: Path) -> None:
    answer = say("score", world.pca, "--data", world.twins, "--out", tmp_path / "scores.csv", "--json")
    assert "scored: 24 of 24" in answer.err
    assert not [note for note in json.loads(answer.out)["notes"] if "scored: " in note], answer.out


@pytest.mark.parametrize(
    ("words", "total"),
    [
        (("score", "--out", "scores.csv"), "scored: 24 of 24"),
        (("evaluate", "--out", "report"), "scored: 24 of 24"),
        (("compare", "models/pca"), "scored: 24 of 24"),
        (("calibrate", "--out", "policy.json"), "scored: 24 of 24"),
        (("pilot", "--out", "pilot"), "screened: 24 of 24"),
    ],
)
def test_each_command_that_goes_through_films_prints_the_total(
    words: tuple[str, ...], total: str, say: Say, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    command, *options = words
    err = say(command, world.pca, *options, "--data", world.twins).err
    assert err.count(total) == (2 if command == "compare" else 1), err
    assert total not in say(command, world.pca, *options, "--data", world.twins, "--quiet").err


@pytest.mark.parametrize(
    ("words", "not_one"),
    [
        (("score", "models/lungs", "film.png"), "a detector"),
        (("calibrate", "models/lungs"), "a detector"),
        (("gate", "models/lungs", "--data", "films", "--out", "gated"), "a detector"),
        (("pilot", "models/lungs", "--data", "films", "--out", "pilot"), "a detector"),
        (("adapt", "models/lungs", "--data", "films", "--out", "adapted"), "a detector"),
        (("evaluate", "models/lungs", "--data", "films", "--out", "report"), "a detector or one that reconstructs"),
        (("compare", "models/pca", "models/lungs", "--data", "films"), "a detector"),
        (("train", "imaging/ct", "--start-from", "models/lungs"), "one that reconstructs"),
        (("reconstruct", "models/lungs", "y.npy", "--out", "images"), "one that reconstructs"),
        (("worker", "models/lungs", "--folder", "worklist"), "a detector"),
        (("serve", "--folder", "worklist", "--model", "models/lungs"), "a detector"),
        (("serve", "--folder", "worklist", "--model", "models/pca", "--also", "models/lungs"), "a detector"),
    ],
)
def test_a_lung_finder_in_a_wrong_place_is_refused_first_and_the_message_names_its_place(
    words: tuple[str, ...], not_one: str, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films").mkdir()
    phantom = next(iter(normals(1, seed=1, size=64)))
    Image.fromarray(np.uint8(255 * phantom.pixels)).save(tmp_path / "film.png")
    (tmp_path / "films" / "film.png").write_bytes((tmp_path / "film.png").read_bytes())
    np.save(tmp_path / "y.npy", np.zeros(4))
    if words[0] == "worker":
        Store.open(tmp_path / "worklist").close()
    answer = say(*words)
    assert answer.code == 2 and answer.out == "", answer.out
    start = f"unseen: models/lungs: holds a lungs model, not {not_one}. Give the folder that `unseen train` wrote"
    assert answer.err.startswith(start), answer.err
    assert "A lung finder goes with --finder of a training." in answer.err


@pytest.mark.parametrize("word", ["recipes", "--help"])
def test_a_command_ends_without_a_message_where_the_reader_of_its_output_has_ended(word: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run([sys.executable, "-m", "unseen", word], stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")
