"""`unseen` limits how long torch's threads are busy while they wait for each other, as their OpenMP itself reports."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

LOADS_OPENMP = """
import ctypes
from importlib.util import find_spec
from pathlib import Path

import typer
from unseen.cli import run

(library,) = Path(find_spec("torch").origin).parent.glob("lib/libgomp*")  # which importing torch loads
app = typer.Typer()
app.command()(lambda: ctypes.CDLL(str(library)) and None)
run(app)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="torch's wheels for Linux have GNU OpenMP")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "1000"),
        pytest.param({"GOMP_SPINCOUNT": "50"}, "50", marks=pytest.mark.nightly),
        ({"OMP_WAIT_POLICY": "passive"}, "0"),
    ],
    ids=["default", "users-count", "users-policy"],
)
def test_waiting_threads_are_busy_for_a_short_time_and_users_settings_remain(
    given: dict[str, str], expected: str
) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", LOADS_OPENMP],
        env=kept | {"OMP_DISPLAY_ENV": "verbose"} | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)) == {expected}
