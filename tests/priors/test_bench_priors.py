"""The benchmark of the search over latents runs, on the smallest sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
@pytest.mark.slow
def test_the_benchmark_says_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    sizes = ["--images=4", "--restarts=2", "--iterations=5", "--features=4", "--looped=4", f"--out={out}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.priors", *sizes],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["looped"] == 4 and figures["times_as_fast"] > 1
    assert figures["same_objective"] == 1 and figures["median_difference"] < 1e-3
    assert {"date", "machine", "batch_s", "loop_s", "batch_wall_s", "loop_wall_s"} <= set(figures)
