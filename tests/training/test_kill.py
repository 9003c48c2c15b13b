"""SIGKILL from another process, at random steps and within writes: the resumed weights are the same, bit for bit."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from unseen.artifacts.files import leftovers

VICTIM = Path(__file__).with_name("victim.py")
STEPS = 240
KILLS = 20


class Victims:
    """The server of `victim.py`, and one child of it at a time."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(VICTIM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._line() == "ready"

    def start(self, folder: Path) -> int:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{folder}\n")
        self._server.stdin.flush()
        return int(self._line())

    def wait(self) -> int:
        """The child's wait status."""
        return int(self._line())

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)

    def _line(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    server = Victims()
    yield server
    server.close()


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


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_resumed_weights_are_bit_identical_after_twenty_kills(victims: Victims, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    victims.start(whole)
    assert victims.wait() == 0

    checkpoint = killed / "checkpoint.pt"
    choice = random.Random(0)
    within_a_write, kills, steps = 0, 0, []
    while kills < KILLS:
        floor = logged(killed)
        pid = victims.start(killed)
        target = floor + choice.randint(1, 2 * (STEPS - 20 - floor) // (KILLS - kills + 1) + 1)
        while alive(pid) and logged(killed) < target:
            time.sleep(0.0005)
        if kills % 2:  # aim at a checkpoint being written: its temporary file is there
            while alive(pid) and not leftovers(checkpoint):
                pass
        else:
            time.sleep(choice.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        assert victims.wait() == signal.SIGKILL, "the child should have died of the signal, not of itself"
        kills += 1
        within_a_write += bool(leftovers(checkpoint))
        steps.append(logged(killed))
    assert within_a_write >= 5, f"{within_a_write} of {kills} kills fell within a write"
    assert len(set(steps)) >= 15, steps

    victims.start(killed)
    assert victims.wait() == 0
    assert not leftovers(checkpoint), "what the killed writes left is cleaned away"

    one, other = (torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (whole, killed))
    assert one["epoch"] == other["epoch"] == 20
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
    assert [int(row["step"]) for row in resumed] == list(range(1, STEPS + 1))
    for expected, row in zip(uninterrupted, resumed, strict=True):
        assert {**row, "seconds": ""} == {**expected, "seconds": ""}
    seconds = [float(row["seconds"]) for row in resumed]
    assert seconds == sorted(seconds)
