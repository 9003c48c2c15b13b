"""The benchmark of serving runs, and says what it measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.docs.blocks import ROOT


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
