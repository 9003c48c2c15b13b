"""The benchmarks of serving and of reading run, and say what they measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.docs.blocks import ROOT


@pytest.mark.nightly
@pytest.mark.slow
def test_the_benchmark_of_serving_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving", "--seconds", "2"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout)
    assert 0 < figures["median_s"] <= figures["p95_s"] and figures["films_per_second"] >= 0
    assert min(figures["rss_start_bytes"], figures["rss_end_bytes"]) > 0


@pytest.mark.nightly
def test_the_benchmark_of_reading_runs(program: Callable[..., str]) -> None:
    program("chromium", "chromium-headless-shell")
    words = "--studies 200 --readers 2 --loads 1 --films 2 --drops 1 --look 0.5 --side 256 --drop-side 512"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reading", *words.split()],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout)
    counts = {name: figures[name]["count"] for name in ("first_page", "film_to_film", "drop_to_score")}
    assert counts == {"first_page": 2, "film_to_film": 4, "drop_to_score": 1}
    for name in counts:
        assert 0 < figures[name]["median_ms"] <= figures[name]["p95_ms"] <= figures[name]["most_ms"]
    assert {"cpu", "cores"} <= set(figures["machine"]) and figures["studies"] == 200
