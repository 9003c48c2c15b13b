"""An archive's run holds one part: a hundred times the films take no more memory. Most of them are missing files, one
in a hundred is a film, so that each part is read, scored and written."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from tests.cli.conftest import World, begin
from tests.cli.test_memory import memory_of
from unseen.data.manifest import entries

FEW, USUAL, LONG = 1_000, 3_000, 100_000  # films
MARGIN = 0.10  # of the peak with a thousand films: one part of the usual size
EACH = 100  # one in so many is a film


def peak_of(model: Path, films: list[Path], count: int, folder: Path) -> int:
    """Score `count` rows into parts; the largest resident memory of the command and its decoder, bytes."""
    manifest = folder / f"{count}.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file"])
        for number in range(count):
            film = films[number // EACH % len(films)]
            rows.writerow([str(film) if number % EACH == 0 else f"gone/{number:08d}.png"])
    out, log = folder / f"parts-{count}", folder / f"{count}.log"
    process, peak = begin("score", model, "--data", manifest, "--out", f"{out}/", err=log), 0
    while process.poll() is None:
        peak = max(peak, *map(_peak, family(process.pid)))
        time.sleep(0.05)
    assert process.wait() == 1, log.read_text()
    assert len(list(out.glob("part-*.parquet"))) == count // 1000
    return peak


def family(pid: int) -> list[int]:
    """Return the process and its children."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return [pid]
    return [pid, *map(int, listed.split())]


def _peak(pid: int) -> int:
    """Return the largest resident memory that the process has had so far; 0 once it has ended."""
    try:
        return memory_of(pid).peak
    except (FileNotFoundError, ProcessLookupError):
        return 0


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(USUAL, marks=[pytest.mark.nightly, pytest.mark.timeout(600)]),
        pytest.param(LONG, marks=[pytest.mark.nightly, pytest.mark.timeout(2700)]),
    ],
)
def test_an_archive_of_many_films_takes_no_more_memory_than_one_of_a_thousand(
    world: World, tmp_path: Path, count: int
) -> None:
    films = [entry.path for entry in entries(world.normals)]
    few, many = (peak_of(world.pca, films, number, tmp_path) for number in (FEW, count))
    assert few > 50 * 2**20, "measured nothing"
    assert many < (1 + MARGIN) * few, f"{few / 2**20:.0f} MB for {FEW} films, {many / 2**20:.0f} MB for {count}"
