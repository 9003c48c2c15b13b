"""What tests cost is charged to their folder, held against its budget, and shown on a page."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.costs import (
    BUDGETS,
    EXCESS,
    MOMENT_S,
    PAGE,
    ROOT,
    Meter,
    Room,
    over_budget,
    read,
    rendered,
    slowness,
    summed,
)

SPIN = "import time\nwhile time.process_time() < {seconds}: pass"
CONFTEST = """
from tests.costs import Accounting


def pytest_configure(config):
    config.pluginmanager.register(Accounting())
"""


def test_every_folder_of_tests_has_a_budget_and_no_other_has() -> None:
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    assert set(read(BUDGETS)) == folders


def test_the_page_is_rendered_from_the_committed_figures() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "Run python -m tests.costs"


def test_a_room_fails_above_its_budget_by_half_and_without_one() -> None:
    rooms, slowest = summed(
        {"tests/a/test_x.py::one": 10.0, "tests/a/test_y.py::two": 5.0, "tests/b/test_z.py::c": 1.0}
    )
    assert rooms == {"a": {"tests": 2, "cpu_s": 15.0}, "b": {"tests": 1, "cpu_s": 1.0}}
    assert slowest[0] == ("tests/a/test_x.py::one", 10.0)
    assert over_budget(rooms, {"a": 15.0 / EXCESS, "b": 1.0}) == []
    (sentence,) = over_budget(rooms, {"a": 14.9 / EXCESS, "b": 1.0})
    assert sentence.startswith("tests/a took 15 s of processor time; its budget is 10 s")
    (sentence,) = over_budget(rooms, {"a": 15.0})
    assert sentence.startswith("tests/b has no budget")


def test_a_slow_machine_is_no_dear_test() -> None:
    recorded = {name: Room(tests=1, cpu_s=10.0) for name in "abcdef"}
    slow = {name: Room(tests=1, cpu_s=25.0) for name in "abcdef"}
    assert slowness(slow, recorded) == 2.5 and slowness({"a": slow["a"]}, recorded) == 1.0
    assert over_budget(slow, dict.fromkeys("abcdef", 10.0), times=slowness(slow, recorded)) == []
    dear = slow | {"a": Room(tests=1, cpu_s=50.0)}
    (sentence,) = over_budget(dear, dict.fromkeys("abcdef", 10.0), times=slowness(dear, recorded))
    assert sentence.startswith("tests/a took 50 s of processor time (a machine 2.5 times as slow)")


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


@pytest.mark.parametrize("kept", [True, pytest.param(False, marks=pytest.mark.nightly)], ids=["kept", "not kept"])
def test_a_run_over_its_budget_fails_though_its_tests_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    room = tmp_path / "tests" / "nowhere"
    room.mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (room / "test_one.py").write_text("def test_one() -> None:\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'src'}")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    monkeypatch.setenv("UNSEEN_COSTS", str(tmp_path / "costs.json") if kept else "")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == int(kept) and "1 passed" in done.stdout, done.stdout + done.stderr
    assert ("OVER BUDGET tests/nowhere has no budget" in done.stdout) == kept
    if not kept:
        return
    assert read(tmp_path / "costs.json")["rooms"]["nowhere"]["tests"] == 1
