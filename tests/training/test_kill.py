"""SIGKILL from another process, at random steps and within writes: the resumed weights are the same, bit for bit."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.fork_server import ForkServer
from tests.training.victim import STEPS_AN_EPOCH
from unseen.artifacts.files import leftovers

VICTIM = Path(__file__).with_name("victim.py")
USUAL, LONG = 8, 200  # kills; the training has an epoch for each


class Victims(ForkServer):
    """The server of `victim.py`, and one child of it at a time."""

    peak_bytes = 0
    """The largest memory that a child has had."""

    def start(self, folder: Path, *, epochs: int, last: int = 0) -> int:
        """Its process id; after the step `last` it waits to be killed."""
        return self.ask(folder, epochs, last)

    def wait(self) -> int:
        """Return the child's wait status."""
        status, peak_kib = map(int, self.line().split())
        self.peak_bytes = max(self.peak_bytes, 1024 * peak_kib)
        return status


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims(VICTIM) as server:
        yield server


def log_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def logged(folder: Path) -> int:
    try:
        return max(0, (folder / "log.csv").read_bytes().count(b"\n") - 1)
    except FileNotFoundError:
        return 0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass(frozen=True)
class Killing:
    """Number of a training's kills during the write of a checkpoint, and the last logged step before each kill."""

    within_a_write: int
    steps: tuple[int, ...]


def kill_and_resume(victims: Victims, folder: Path, *, kills: int) -> Killing:
    """Start the training in `folder`, kill it at a random step, resume it, and so on; the last start ends it."""
    checkpoint = folder / "checkpoint.pt"
    choice = random.Random(0)
    within_a_write, steps = 0, []
    for number in range(kills):
        floor = logged(folder)
        last = kills * STEPS_AN_EPOCH - 4  # it must not end before it is killed, however busy the machine
        pid = victims.start(folder, epochs=kills, last=last)
        left = last - 16 - floor
        target = floor + choice.randint(1, 2 * max(0, left) // (kills - number + 1) + 1)
        while alive(pid) and logged(folder) < target:
            time.sleep(0.0005)
        if number % 2:  # aim at a checkpoint being written: its temporary file is there
            while alive(pid) and not leftovers(checkpoint) and logged(folder) < last:
                pass
        else:
            time.sleep(choice.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        assert victims.wait() == signal.SIGKILL, "the child should have died of the signal, not of itself"
        within_a_write += bool(leftovers(checkpoint))
        steps.append(logged(folder))
    victims.start(folder, epochs=kills)
    assert victims.wait() == 0
    assert not leftovers(checkpoint), "what the killed writes left is cleaned away"
    return Killing(within_a_write, tuple(steps))


def check_that_nothing_differs(whole: Path, killed: Path, *, epochs: int) -> None:
    """Weights, optimisers, random states and the log but for its seconds."""
    one, other = (torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (whole, killed))
    assert one["epoch"] == other["epoch"] == epochs
    for name, weights in one["modules"].items():
        for key, tensor in weights.items():
            assert torch.equal(tensor, other["modules"][name][key]), f"{name}.{key} differs"
    for name, optimiser in one["optimisers"].items():
        for index, state in optimiser["state"].items():
            for key, tensor in state.items():
                assert torch.equal(tensor, other["optimisers"][name]["state"][index][key]), f"{name}.{key} differs"
    assert torch.equal(one["rng"], other["rng"])
    assert torch.equal(one["torch_rng"], other["torch_rng"])

    uninterrupted, resumed = log_rows(whole), log_rows(killed)
    assert [int(row["step"]) for row in resumed] == list(range(1, epochs * STEPS_AN_EPOCH + 1))
    for expected, row in zip(uninterrupted, resumed, strict=True):
        assert {**row, "seconds": ""} == {**expected, "seconds": ""}
    seconds = [float(row["seconds"]) for row in resumed]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(USUAL, marks=[pytest.mark.slow, pytest.mark.timeout(180)]),
        pytest.param(LONG, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
)
def test_resumed_weights_are_bit_identical_after_many_kills(
    victims: Victims, tmp_path: Path, soak_record: Callable[..., None], kills: int
) -> None:
    victims.start(tmp_path / "whole", epochs=kills)
    assert victims.wait() == 0
    killing = kill_and_resume(victims, tmp_path / "killed", kills=kills)
    least = kills / 4 if kills == LONG else 1  # of eight, none by chance once in 10⁵
    assert killing.within_a_write >= least, f"{killing.within_a_write} of {kills} kills fell within a write"
    distinct = len(set(killing.steps))
    assert distinct >= 0.75 * kills, killing.steps
    check_that_nothing_differs(tmp_path / "whole", tmp_path / "killed", epochs=kills)
    if kills == LONG:
        soak_record(
            "kills",
            kills=kills,
            within_a_write=killing.within_a_write,
            distinct_steps=distinct,
            steps=kills * STEPS_AN_EPOCH,
            usual_kills=USUAL,
            peak_bytes=victims.peak_bytes,
        )
