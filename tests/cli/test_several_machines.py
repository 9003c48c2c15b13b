"""`unseen train --nodes 2`: two commands on this machine meet, one is killed, and the same commands resume."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Say, World, begin
from tests.warm_python import Started
from unseen.data.reading import films
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load

pytestmark = pytest.mark.slow

RECIPE = (
    '[view]\nsize = 32\n[method]\nkey = "roi-sure"\nfeatures = 4\nlatent = 8\n'
    '[training]\nepochs = 24\nbatch_size = 8\ndevice = "cpu"\nthreads = 1\ncheckpoint_every_steps = 5\n'
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class Machines:
    """The same command twice, as on two machines."""

    folder: Path
    words: tuple[object, ...]

    def begin(self) -> list[Started]:
        port = str(free_port())
        return [
            begin(
                *self.words, "--nodes", 2,
                out=self.folder / f"out{node}", err=self.folder / f"err{node}",
                UNSEEN_RUNS=str(self.folder / f"runs{node}"),
                MASTER_ADDR="127.0.0.1", MASTER_PORT=port, NODE_RANK=str(node),
            )
            for node in range(2)
        ]  # fmt: skip

    def logged(self) -> int:
        return max((log.read_bytes().count(b"\n") for log in (self.folder / "runs0").glob("*/log.csv")), default=0)

    def printed(self, node: int, stream: str = "err") -> str:
        return (self.folder / f"{stream}{node}").read_text(encoding="utf-8")


def ended(process: Started) -> int:
    """Its exit status; it has to end by itself."""
    try:
        return process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail("it hangs")


@pytest.mark.nightly  # on one machine: test_train_kills.py
def test_a_lost_machine_ends_the_run_and_the_same_commands_resume_it(
    say: Say, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "gan.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    words = ("train", recipe, "--data", world.bare, "--finder", world.pca)
    machines = Machines(tmp_path, words)
    for lost in (1, 0):
        floor = machines.logged()
        processes = machines.begin()
        while processes[lost].poll() is None and machines.logged() <= floor + 5:
            time.sleep(0.01)
        processes[lost].send_signal(signal.SIGKILL)
        assert processes[lost].wait() == -signal.SIGKILL, machines.printed(0) + machines.printed(1)
        assert ended(processes[1 - lost]) != 0
        said = machines.printed(1 - lost)
        if lost == 1:
            assert "another of the 2 processes has ended" in said and "resumes from its checkpoint" in said, said
        else:
            assert "process 1 of 2 has lost the others, and ends" in said, said
        assert "Traceback" not in said
    floor = machines.logged()
    processes = machines.begin()
    assert [ended(process) for process in processes] == [0, 0], machines.printed(0) + machines.printed(1)
    assert floor > 10 and machines.logged() == 25
    assert machines.printed(1, "out") == "" and not (tmp_path / "runs1").exists(), "the other one writes nothing"

    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "alone"))
    models = [machines.printed(0, "out").strip(), say(*words).out.strip()]
    scores = [
        [found.score for found in load(model).score(films(world.bare)) if isinstance(found, Finding)]
        for model in models
    ]
    assert len(scores[0]) == 12 and scores[0] == pytest.approx(scores[1], rel=1e-2)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "nodes is 2: set MASTER_ADDR to the first machine's address and NODE_RANK to 0, 1"),
        ({"MASTER_ADDR": "127.0.0.1", "NODE_RANK": "2"}, "NODE_RANK is 2, but nodes is 2"),
        (
            {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "WORLD_SIZE": "3", "LOCAL_RANK": "0"},
            "torchrun has started 3 processes, but devices × nodes is 1 × 2",
        ),
    ],
)
def test_an_environment_that_does_not_name_the_machines_is_refused(
    say: Say, world: World, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setitem(os.environ, name, value)
    answer = say("train", "detectors/anatpaste-all-aligned", "--data", world.bare, "--nodes", 2)
    assert answer.code != 0 and sentence in answer.err, answer.err


def test_a_method_in_closed_form_refuses_two_devices(say: Say, world: World, recipe: Path) -> None:
    answer = say("train", recipe, "--data", world.bare, "--finder", world.pca, "--devices", 2)
    assert answer.code != 0
    assert "pca is computed on one device: it has no batches to share between 2 devices" in answer.err
