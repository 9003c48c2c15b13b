"""Scoring streams: ten times the films take no more memory. Measured from outside, by /proc, the decoder included."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

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
MARGINS = {USUAL: 5 * 2**20, LONG: 300 * 2**20}  # bytes; of USUAL: 26 kB a film, less than its pixels
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


class Memory(NamedTuple):
    """Bytes. A fork has its parent's memory from its start.

    Attributes:
        allocated: anonymous memory at present. Pages of program files, whose number depends on the load and on when one
            looks, are no part of it.
        peak: the largest resident memory so far, pages of files included.
    """

    allocated: int
    peak: int


def memory_of(pid: int) -> Memory:
    """Return the memory of a process; zeros once it has ended."""
    lines = [line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    sizes = {words[0]: 1024 * int(words[1]) for words in lines if words[0] in ("RssAnon:", "VmHWM:")}
    return Memory(sizes.get("RssAnon:", 0), sizes.get("VmHWM:", 0))


def words_of(pid: int) -> bytes:
    """Return the command line of a process; empty once it has ended."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def living(pid: int) -> list[Memory]:
    """The memory of the command and of the programs that it runs now; a fork is none until it is a program."""
    words = words_of(pid)
    family, waiting = [memory_of(pid)], children(pid)
    while waiting:
        child = waiting.pop()
        try:
            if words_of(child) not in (b"", words):
                family.append(memory_of(child))
        except (FileNotFoundError, ProcessLookupError):
            continue
        waiting += children(child)
    return family


def scored(model: Path, films: list[Path], count: int, folder: Path) -> Memory:
    """Score `count` rows through the installed command; the most memory of the processes that live together.

    A decoder that was started again counts once.
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
    allocated, peak, together = 0, 0, 0
    while process.poll() is None:
        try:
            family = living(process.pid)
        except (FileNotFoundError, ProcessLookupError):
            break
        allocated = max(allocated, sum(one.allocated for one in family))
        peak = max(peak, sum(one.peak for one in family))
        together = max(together, len(family))
        time.sleep(0.05)
    assert process.wait() == 0, log.read_text()
    table = pl.read_parquet(out)
    assert len(table) == count and (table["status"] == "scored").all()
    assert together >= 2, "the decoder's process was not seen"
    return Memory(allocated, peak)


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
    few, many = (scored(world.pca, films, number, tmp_path) for number in numbers)
    assert few.allocated > 50 * 2**20, "measured nothing"
    in_words = f"{few.allocated / 2**20:.1f} and {many.allocated / 2**20:.1f} MB for {numbers} films"
    assert many.allocated - few.allocated < MARGINS[count], in_words
    if count == LONG:
        margin = MARGINS[LONG]
        soak_record(
            "films", films=count, usual_films=USUAL, peak_bytes=many.peak, peak_bytes_200=few.peak, margin_bytes=margin
        )
