"""Scoring streams: ten times the films take no more memory. Measured from outside, by /proc, the decoder included."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tests.cli.conftest import World
from tests.costs import children
from tests.warm_python import warm_python
from unseen.data import phantoms

USUAL, LONG = 300, 20_000  # films
FEW = {USUAL: 100, LONG: 200}  # with which these are compared
MARGINS = {USUAL: 24 * 2**20, LONG: 300 * 2**20}  # bytes; of USUAL: 126 kB for each further film would be found
DISTINCT = 200  # more than any sensible cache would hold


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty phantoms, each with many patterns of noise."""
    folder, rng = tmp_path_factory.mktemp("many"), np.random.default_rng(40)
    drawn = [film.pixels for film in phantoms.normals(20, seed=40, size=96)]
    paths = [folder / f"{number:03d}.png" for number in range(DISTINCT)]
    for number, path in enumerate(paths):
        pixels = drawn[number % len(drawn)] + rng.normal(0, 0.01, (96, 96))
        Image.fromarray(np.uint8(255 * pixels.clip(0, 1))).save(path)
    return paths


def peak_of(pid: int) -> int:
    """Return the largest resident memory that the process has had so far, bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def words_of(pid: int) -> bytes:
    """Return the command line of a process; empty once it has ended."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def living(pid: int) -> list[int]:
    """The peaks of the command and of the programs that it runs now; a fork has its parent's until it is a program."""
    words = words_of(pid)
    peaks, waiting = [peak_of(pid)], children(pid)
    while waiting:
        child = waiting.pop()
        try:
            if words_of(child) not in (b"", words):
                peaks.append(peak_of(child))
        except (FileNotFoundError, ProcessLookupError):
            continue
        waiting += children(child)
    return peaks


def scored(model: Path, films: list[Path], count: int, folder: Path) -> int:
    """Score `count` rows through the installed command; the largest sum of the peaks of processes that live together.

    Bytes. A decoder that was started again counts once.
    """
    manifest = folder / f"{count}.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file"])
        rows.writerows([str(path)] for path in islice(cycle(films), count))
    out, log = folder / f"{count}.parquet", folder / f"{count}.log"
    process = warm_python().start(
        Path(sys.executable).with_name("unseen"),
        *("score", model, "--data", manifest, "--out", out, "--maps", folder / "maps"),
        cwd=folder,
        environment=os.environ | {"OMP_NUM_THREADS": "1"},
        out=Path(os.devnull),
        err=log,
    )
    most, together = 0, 0
    while process.poll() is None:
        try:
            family = living(process.pid)
        except (FileNotFoundError, ProcessLookupError):
            break
        most, together = max(most, sum(family)), max(together, len(family))
        time.sleep(0.05)
    assert process.wait() == 0, log.read_text()
    table = pl.read_parquet(out)
    assert len(table) == count and (table["status"] == "scored").all()
    assert together >= 2, "the decoder's process was not seen"
    return most


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(USUAL, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
        pytest.param(LONG, marks=[pytest.mark.nightly, pytest.mark.timeout(2700)]),
    ],
)
def test_scoring_many_films_takes_no_more_memory_than_scoring_few(
    world: World, films: list[Path], tmp_path: Path, soak_record: Callable[..., None], count: int
) -> None:
    numbers = FEW[count], count
    few = many = sys.maxsize
    for turn in range(3):  # peaks of two starts differ by 18 MB, and more on a busy machine; a leak comes each time
        (folder := tmp_path / f"{turn}").mkdir()
        fewer, more = (scored(world.pca, films, number, folder) for number in numbers)
        few, many = min(few, fewer), min(many, more)
        assert few > 50 * 2**20, "measured nothing"
        if many - few < MARGINS[count]:
            break
    assert many - few < MARGINS[count], f"{few / 2**20:.0f} and {many / 2**20:.0f} MB for {numbers} films"
    if count == LONG:
        margin = MARGINS[LONG]
        soak_record("films", films=count, usual_films=USUAL, peak_bytes=many, peak_bytes_200=few, margin_bytes=margin)
