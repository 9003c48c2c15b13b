"""Processor time of tests is charged to their folder and shown on a page."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.costs import MOMENT_S, PAGE, ROOT, Meter, read, rendered, summed

SPIN = "import time\nwhile time.process_time() < {seconds}: pass"
CONFTEST = """
from tests.costs import Accounting


def pytest_configure(config):
    config.pluginmanager.register(Accounting())
"""


def test_the_page_is_rendered_from_the_committed_figures() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "Run python -m tests.costs"


def test_the_time_of_a_folder_is_the_sum_of_its_tests() -> None:
    folders, slowest = summed(
        {"tests/a/test_x.py::one": 10.0, "tests/a/test_y.py::two": 5.0, "server/tests/a/b/test_z.py::c": 1.0}
    )
    assert folders == {"server/tests/a": {"tests": 1, "cpu_s": 1.0}, "tests/a": {"tests": 2, "cpu_s": 15.0}}
    assert slowest[0] == ("tests/a/test_x.py::one", 10.0)


@pytest.mark.nightly
def test_what_is_spent_below_a_test_is_counted_while_it_runs_and_after() -> None:
    meter = Meter()
    ended = subprocess.Popen([sys.executable, "-c", SPIN.format(seconds=0.5)])
    ended.wait()
    time.sleep(MOMENT_S)
    assert 0.45 < meter.spent_s() < 5
    running = subprocess.Popen([sys.executable, "-c", SPIN.format(seconds=0.5) + "\ninput()"], stdin=subprocess.PIPE)
    try:
        spent = 0.0
        while spent < 0.45:  # it is counted although it has not ended; the test's own time limit is the bound
            time.sleep(MOMENT_S)
            spent += meter.spent_s()
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()
    time.sleep(MOMENT_S)
    assert meter.spent_s() < 0.45, "nothing is counted twice"


@pytest.mark.nightly
def test_a_run_writes_its_costs_where_the_variable_names_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "tests" / "nowhere"
    room.mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (room / "test_one.py").write_text("def test_one() -> None:\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'src'}")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setenv("UNSEEN_COSTS", str(tmp_path / "costs.json"))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    assert read(tmp_path / "costs.json")["folders"]["tests/nowhere"]["tests"] == 1
