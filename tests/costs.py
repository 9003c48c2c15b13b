"""What the tests of each room cost in processor time; `make test` fails where a room takes 1.5 times its budget.

Processors differ by more than that: on one that takes twice the recorded seconds in most rooms, a budget is doubled.

Processor time, not time on the clock: what else runs on the machine does not count. A test is charged with what its
process and all processes below it (servers, browsers, forks) have spent since the test before it; what several tests
share is charged to the one that asked first.

python -m tests.costs FILE     keeps FILE, which `make test` writes, as tests/costs.json, and renders docs/tests.md
python -m tests.costs          renders docs/tests.md
"""

from __future__ import annotations

import collections
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import pytest

ROOT = Path(__file__).parents[1]
BUDGETS = ROOT / "tests" / "budgets.json"
KEPT = ROOT / "tests" / "costs.json"
PAGE = ROOT / "docs" / "tests.md"
EXCESS = 1.5
LEAST_S = 5.0
ENOUGH_ROOMS = 5
SLOWEST = 30
FILES = 60
MOMENT_S = 1.0


class Room(TypedDict):
    tests: int
    cpu_s: float


class Costs(TypedDict):
    """One run of `make test`."""

    date: str
    processor: str
    python: str
    seconds: int
    rooms: dict[str, Room]
    files: list[tuple[str, float]]
    slowest: list[tuple[str, float]]


def below_s() -> float:
    """Processor time of all processes below this one, running or ended, in seconds."""
    children: dict[int, list[int]] = collections.defaultdict(list)
    ticks: dict[int, int] = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        # after the name, which may hold spaces: state, parent, …; utime, stime, cutime and cstime from the 12th on
        fields = text.rpartition(")")[2].split()
        children[int(fields[1])].append(int(name))
        ticks[int(name)] = sum(map(int, fields[11:15]))
    ended = os.times()
    total, waiting = 0, children[os.getpid()]
    while waiting:
        pid = waiting.pop()
        total += ticks[pid]
        waiting += children[pid]
    return total / os.sysconf("SC_CLK_TCK") + ended.children_user + ended.children_system


class Meter:
    """Reports after each test what has been spent since the one before.

    To look at all processes takes milliseconds, so it is done once a second at most; what quick tests spend
    below them is charged to the next test after which it is done.
    """

    def __init__(self) -> None:
        self._own, self._below, self._looked = time.process_time(), below_s(), time.monotonic()

    def spent_s(self) -> float:
        own, now = time.process_time(), time.monotonic()
        spent, self._own = own - self._own, own
        if now - self._looked > MOMENT_S:
            below = below_s()
            spent += max(0.0, below - self._below)
            self._below, self._looked = below, now
        return spent


class Accounting:
    """The plugin of pytest: workers report what a test has spent, their controller adds it up.

    Where $UNSEEN_COSTS names a file, as in `make test`, the sums go there and are held against the budgets.
    """

    def __init__(self) -> None:
        self._meter: Meter | None = None
        self._spent: dict[str, float] = {}
        self._begun = time.monotonic()
        self._told: list[str] = []

    @pytest.hookimpl
    def pytest_collection_finish(self) -> None:
        self._meter = Meter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.when == "teardown" and self._meter is not None:
            item.user_properties.append(("cpu_s", self._meter.spent_s()))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._spent[report.nodeid] = float(dict(report.user_properties).get("cpu_s", 0.0))  # type: ignore[arg-type]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if "PYTEST_XDIST_WORKER" in os.environ or not os.environ.get("UNSEEN_COSTS"):
            return
        rooms, slowest = summed(self._spent)
        files: dict[str, float] = collections.defaultdict(float)
        for test, cpu_s in self._spent.items():
            files[file_of(test)] += cpu_s
        costs: Costs = {
            "date": datetime.now(UTC).date().isoformat(),
            "processor": processor(),
            "python": platform.python_version(),
            "seconds": round(time.monotonic() - self._begun),
            "rooms": rooms,
            "files": dearest(files, FILES),
            "slowest": slowest,
        }
        path = ROOT / os.environ["UNSEEN_COSTS"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
        times = slowness(rooms, read(KEPT)["rooms"]) if KEPT.is_file() else 1.0
        self._told = over_budget(rooms, read(BUDGETS), times=times)
        if self._told and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for sentence in self._told:
            terminalreporter.write_line(f"OVER BUDGET {sentence}", red=True)


def processor() -> str:
    """The processor's name, where Linux reports it, and how many there are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def file_of(test: str) -> str:
    """The file in which a test lies, from the repository's root."""
    return test.partition("::")[0]


def dearest(spent: Mapping[str, float], number: int) -> list[tuple[str, float]]:
    """The most expensive, with their seconds."""
    return [(name, round(cpu_s, 1)) for name, cpu_s in sorted(spent.items(), key=lambda one: -one[1])[:number]]


def room_of(test: str) -> str:
    """The folder below `tests` in which a test lies."""
    return test.split("/")[1]


def summed(tests: Mapping[str, float]) -> tuple[dict[str, Room], list[tuple[str, float]]]:
    """Each room's tests and seconds, and the dearest tests."""
    counted = collections.Counter(map(room_of, tests))
    seconds: dict[str, float] = collections.defaultdict(float)
    for test, cpu_s in tests.items():
        seconds[room_of(test)] += cpu_s
    rooms: dict[str, Room] = {
        room: {"tests": counted[room], "cpu_s": round(seconds[room], 1)} for room in sorted(counted)
    }
    return rooms, dearest(tests, SLOWEST)


def slowness(rooms: Mapping[str, Room], recorded: Mapping[str, Room]) -> float:
    """How many times the recorded seconds this machine takes: the median over rooms of at least 5 s, at least 1."""
    ratios = [
        found["cpu_s"] / recorded[room]["cpu_s"]
        for room, found in rooms.items()
        if room in recorded and recorded[room]["cpu_s"] >= LEAST_S
    ]
    return max(1.0, statistics.median(ratios)) if len(ratios) >= ENOUGH_ROOMS else 1.0


def over_budget(rooms: Mapping[str, Room], budgets: Mapping[str, float], *, times: float = 1.0) -> list[str]:
    """A sentence for each room that takes too long, or has no budget; `times`: see `slowness`."""
    sentences = []
    for room, found in rooms.items():
        if room not in budgets:
            sentences.append(f"tests/{room} has no budget. Add its seconds of processor time to tests/budgets.json.")
        elif found["cpu_s"] > EXCESS * times * budgets[room]:
            slower = f" (a machine {times:.1f} times as slow)" if times > 1 else ""
            sentences.append(
                f"tests/{room} took {found['cpu_s']:.0f} s of processor time{slower}; its budget is "
                f"{budgets[room]:.0f} s, and {EXCESS} times that is the limit. Make its tests cheaper, mark "
                "repetitions `nightly`, or raise the budget in tests/budgets.json and say why."
            )
    return sentences


HEAD = """\
# Tests and what they cost

*Rendered by `python -m tests.costs` from `tests/budgets.json` and `tests/costs.json`.*

| Command | Runs | Time |
|---|---|---|
| `make quick` | unit tests | under two minutes |
| `make test` | every law, every protocol, each kind of kill, the main journey through each page in a \
browser, lint, types, docs | minutes; the aim is ten on two cores |
| `make nightly` | the repetitions and long forms: 200 kills, 20,000 films, 82,000 broken files, larger grids, more \
draws, the demonstration as it is, many requests by schemathesis, every pair of theme and screen | hours |

A test with the marker `nightly` repeats or enlarges a test of `make test` that fails when the same law is broken, \
takes another path through a page whose main path `make test` takes, builds a release, or trains a study.

## Processor time of each folder

`make test` fails when the tests of a folder take more than {excess} times the folder's budget. Processor time counts, \
that of servers, browsers and other child processes included; other programs on the machine do not count. \
On a machine that takes twice the recorded time in most folders, a budget is doubled. A budget is \
about twice what one machine needs, because processors differ.

{recorded}

| Folder | Budget, s | Tests | Processor time, s |
|---|---|---|---|
{rooms}
"""
DEAREST = """
## The most expensive tests

| Test | Processor time, s |
|---|---|
{tests}
"""


def page(costs: Costs | None, budgets: Mapping[str, float]) -> str:
    """`docs/tests.md`."""
    found = costs["rooms"] if costs else {}
    rows = []
    for room in sorted(budgets, key=lambda room: -budgets[room]):
        one = found.get(room)
        measured = f"{one['tests']:,} | {one['cpu_s']:,.0f}" if one else "– | –"
        rows.append(f"| `tests/{room}` | {budgets[room]:,.0f} | {measured} |")
    if costs is None:
        recorded = "No run is recorded yet."
        most = ""
    else:
        total = sum(one["cpu_s"] for one in found.values())
        recorded = (
            f"Last recorded run: {costs['date']}, {costs['processor']}, Python {costs['python']}; {total:,.0f} s of "
            f"processor time in {costs['seconds']:,} s."
        )
        tests = (f"| `{test.removeprefix('tests/')}` | {cpu_s:,.1f} |" for test, cpu_s in costs["slowest"])
        most = DEAREST.format(tests="\n".join(tests))
    return HEAD.format(excess=EXCESS, recorded=recorded, rooms="\n".join(rows)) + most


def rendered() -> str:
    """The page from the committed files."""
    return page(read(KEPT) if KEPT.exists() else None, read(BUDGETS))


def read(path: Path) -> Any:  # Any: JSON
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        KEPT.write_text(json.dumps(read(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(rendered(), encoding="utf-8")
    print(f"rendered {PAGE.relative_to(ROOT)}")
