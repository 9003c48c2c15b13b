"""The examples run as they stand, in the time that they promise, and leave the picture that they promise."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "examples" / "get_started.py"


@pytest.mark.slow
def test_get_started_learns_what_was_never_measured_in_about_a_minute(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 120, f"{seconds:.0f} s of one core"  # 25 to 40 s where nothing else runs
    measured, learnt = (float(figure) for figure in re.findall(r"([0-9.]+) dB", done.stdout))
    assert learnt > measured + 15
    picture = np.asarray(Image.open(tmp_path / "get-started.png"))
    assert picture.shape == (3 * 64, 8 * 64) and picture.std() > 20


def test_get_started_is_as_short_as_it_says() -> None:
    code = EXAMPLE.read_text(encoding="utf-8").split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
