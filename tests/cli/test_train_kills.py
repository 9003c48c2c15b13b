"""`unseen train` as real processes: killed again and again, and twice in one folder."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.cli.conftest import World, begin, run
from tests.stopped_process import stop
from tests.warm_python import Started
from unseen.artifacts.files import leftovers

FEW, MANY = 1, 50  # kills


def recipe_of(folder: Path, *, epochs: int) -> Path:
    """Return a training of one step an epoch, with a checkpoint after every step."""
    path = folder / "gan.toml"
    path.write_text(
        '[view]\nsize = 32\n[method]\nkey = "roi-sure"\nfeatures = 4\nlatent = 8\n'
        f'[training]\nepochs = {epochs}\nbatch_size = 8\ndevice = "cpu"\nthreads = 1\ncheckpoint_every_steps = 1\n',
        encoding="utf-8",
    )
    return path


def logged(runs: Path) -> int:
    """Return lines in the logs of the training and of those for the scores of its normals."""
    return sum(log.read_bytes().count(b"\n") for log in runs.rglob("log.csv"))


def after_lines(process: Started, runs: Path, lines: int) -> None:
    """Wait until the logs have so many lines."""
    while process.poll() is None and logged(runs) < lines:
        time.sleep(0.001)


def killed_and_resumed(words: tuple[object, ...], runs: Path, *, kills: int, lines: int) -> Path:
    """Return the bundle of a training that was killed so many times, each time after another line of its logs."""
    choice = random.Random(0)
    for number in range(kills):
        process = begin(*words, UNSEEN_RUNS=str(runs))
        have = logged(runs)
        step = max(1, (lines - have) // (2 * (kills - number)))
        after_lines(process, runs, have + choice.randint(1, step))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the training was over before it was killed"
        assert not list(runs.glob("*/bundle")), "there is no model before the end"
    last = run(*words, UNSEEN_RUNS=str(runs))
    assert last.code == 0, last.err
    return Path(last.out.strip())


@pytest.mark.slow
@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=[pytest.mark.nightly, pytest.mark.timeout(2700)])])
def test_a_training_that_was_killed_ends_with_the_same_model(world: World, tmp_path: Path, kills: int) -> None:
    recipe = recipe_of(tmp_path, epochs=max(12, 4 * kills))
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca, "--normal-folds", 0 if kills == FEW else 2)
    whole = run(*words, UNSEEN_RUNS=str(tmp_path / "whole"))
    assert whole.code == 0, whole.err
    lines = logged(tmp_path / "whole")
    one = Path(whole.out.strip())
    other = killed_and_resumed(words, tmp_path / "killed", kills=kills, lines=lines)
    weights, resumed = (load_file(bundle / "weights.safetensors") for bundle in (one, other))
    assert weights.keys() == resumed.keys()
    assert all((weights[name] == resumed[name]).all() for name in weights)
    cards = [json.loads((bundle / "card.json").read_text(encoding="utf-8")) for bundle in (one, other)]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    assert cards[0].get("normal_scores") == cards[1].get("normal_scores")
    assert logged(tmp_path / "killed") == lines, "no step is logged twice or missing"
    assert not [path for log in (tmp_path / "killed").rglob("checkpoint.pt") for path in leftovers(log)]


@pytest.mark.slow
def test_a_second_training_in_the_folder_ends_with_a_sentence(world: World, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, epochs=10)
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca, "--normal-folds", 0)
    runs = tmp_path / "runs"
    first = begin(*words, UNSEEN_RUNS=str(runs))
    after_lines(first, runs, 4)
    stop(first.pid)
    log = next(runs.rglob("log.csv"))
    before = log.read_bytes(), (log.parent / "checkpoint.pt").read_bytes()
    second = run(*words, UNSEEN_RUNS=str(runs))
    assert second.code == 2, second.err
    assert second.err.splitlines()[-1].endswith(
        f"{log.parent}: another process writes into this folder. Wait until it ends, or use another folder."
    )
    assert before == (log.read_bytes(), (log.parent / "checkpoint.pt").read_bytes())
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_a_second_training_with_the_same_output_is_refused_before_it_begins(world: World, tmp_path: Path) -> None:
    recipe, runs, out = recipe_of(tmp_path, epochs=10), tmp_path / "runs", tmp_path / "model"
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca, "--normal-folds", 0, "--out", out)
    first = begin(*words, UNSEEN_RUNS=str(runs))
    after_lines(first, runs, 4)
    stop(first.pid)
    second = run(*words, "--seed", 1, UNSEEN_RUNS=str(runs))
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.code == 2, second.err
    assert second.err.splitlines()[-1].endswith(
        f"{out}: another command is writing it. Wait until it ends, or give another path."
    )
    assert len(list(runs.glob("gan-*"))) == 1, "the second one has begun no run"
