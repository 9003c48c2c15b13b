"""Processor time of the tests: measured by `make test`, recorded in a file, rendered as a page.

Other programs on the machine do not count. A test is charged with the time that its process and all its child
processes (servers, browsers, forks) have spent since the test before it. Shared work is charged to the test that
requested it first.

python -m tests.costs FILE     save FILE, which `make test` writes, as tests/costs.json, and render docs/tests.md
python -m tests.costs          render docs/tests.md
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import pytest

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "costs.json"
MUTANTS_KEPT = ROOT / "tests" / "mutants.json"
PAGE = ROOT / "docs" / "tests.md"
SLOWEST = 30
FILES = 60
MOMENT_S = 1.0


class FolderCosts(TypedDict):
    tests: int
    cpu_s: float


class TriedMutant(TypedDict):
    """A mutant with its outcome, and pytest's line of the test that killed it."""

    number: int
    path: str
    line: int
    function: str
    before: str
    after: str
    outcome: str
    by: str


class Mutants(TypedDict):
    """The mutants of one seed; names of tests added since, and reasons why others live, by their number."""

    command: str
    date: str
    processor: str
    python: str
    load: str
    added: list[str]
    reasons: dict[str, str]
    rows: list[TriedMutant]


class Costs(TypedDict):
    """One run of `make test`."""

    date: str
    processor: str
    python: str
    seconds: int
    folders: dict[str, FolderCosts]
    files: list[tuple[str, float]]
    slowest: list[tuple[str, float]]


def below_s() -> float:
    """Processor time of all processes below this one, running or ended, in seconds."""
    ended = os.times()
    total, waiting = 0, children(os.getpid())
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            # after the name, which may hold spaces: state, parent, …; utime, stime, cutime, cstime from the 12th on
            total += sum(map(int, text.rpartition(")")[2].split()[11:15]))
            waiting += children(pid)
    return total / os.sysconf("SC_CLK_TCK") + ended.children_user + ended.children_system


def children(pid: int) -> list[int]:
    """Return the child processes of all threads of a process."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii").split())
    return found


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
    """Plugin of pytest: workers report the time that a test has spent, their controller adds it up.

    Where $UNSEEN_COSTS names a file, as in `make test`, the sums are written there.
    """

    def __init__(self) -> None:
        self._meter: Meter | None = None
        self._spent: dict[str, float] = {}
        self._begun = time.monotonic()

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
    def pytest_sessionfinish(self) -> None:
        if "PYTEST_XDIST_WORKER" in os.environ or not os.environ.get("UNSEEN_COSTS"):
            return
        folders, slowest = summed(self._spent)
        files: dict[str, float] = collections.defaultdict(float)
        for test, cpu_s in self._spent.items():
            files[file_of(test)] += cpu_s
        costs: Costs = {
            "date": datetime.now(UTC).date().isoformat(),
            "processor": processor(),
            "python": platform.python_version(),
            "seconds": round(time.monotonic() - self._begun),
            "folders": folders,
            "files": dearest(files, FILES),
            "slowest": slowest,
        }
        path = ROOT / os.environ["UNSEEN_COSTS"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")


def processor() -> str:
    """Return the processor's name, where Linux reports it, and how many there are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def file_of(test: str) -> str:
    """Return the file in which a test lies, from the repository's root."""
    return test.partition("::")[0]


def dearest(spent: Mapping[str, float], number: int) -> list[tuple[str, float]]:
    """Return the most expensive, with their seconds."""
    return [(name, round(cpu_s, 1)) for name, cpu_s in sorted(spent.items(), key=lambda one: -one[1])[:number]]


def folder_of(test: str) -> str:
    """Return the folder of a test: the one below `tests`.

    >>> folder_of("server/tests/web/test_films.py::test_a"), folder_of("tests/screening/gate/test_b.py::test_c")
    ('server/tests/web', 'tests/screening')
    """
    parts = test.split("/")
    return "/".join(parts[: parts.index("tests") + 2])


def summed(tests: Mapping[str, float]) -> tuple[dict[str, FolderCosts], list[tuple[str, float]]]:
    """Return each folder's tests and seconds, and the dearest tests."""
    counted = collections.Counter(map(folder_of, tests))
    seconds: dict[str, float] = collections.defaultdict(float)
    for test, cpu_s in tests.items():
        seconds[folder_of(test)] += cpu_s
    folders: dict[str, FolderCosts] = {
        folder: {"tests": counted[folder], "cpu_s": round(seconds[folder], 1)} for folder in sorted(counted)
    }
    return folders, dearest(tests, SLOWEST)


HEAD = """\
# Tests and what they cost

*Rendered by `python -m tests.costs` from `tests/costs.json` and `tests/mutants.json`.*

| Command | Runs | Time |
|---|---|---|
| `make quick` | unit tests | under two minutes |
| `make test` | every law, every protocol, each kind of kill, the main journey through each page in a \
browser, lint, types, doctests | minutes; the aim is five on two cores |
| `make nightly` | the repetitions and long forms: 200 kills, 20,000 films, 82,000 broken files, larger grids, more \
draws, both databases, the built site and its pages, the demonstration, many requests by schemathesis, every page in \
every theme and size | hours |

A test with the marker `nightly` repeats or enlarges a test of `make test` that fails when the same law is broken, \
takes another path through a page whose main path `make test` takes, runs on the second database, builds a release or \
the site, runs a page of the docs, or trains a study.

## Processor time of each folder

Processor time includes that of servers, browsers and other child processes. Other programs on the machine do not \
count. No test fails because of these figures.

{recorded}

| Folder | Tests | Processor time, s |
|---|---|---|
{folders}
"""
DEAREST = """
## The most expensive tests

| Test | Processor time, s |
|---|---|
{tests}
"""

MUTANTS = """
## Mutants

A mutant is the source with one changed operator, comparison, condition, number or returned value, drawn at random. It \
is killed if a test fails on it that passes on the unchanged source. Undecided: no test had failed when the time limit \
ended the tests.

{recorded}

| Part | Drawn | Killed | Of these by tests added since the draw | Survived | Undecided |
|---|---|---|---|---|---|
{parts}

The mutants that are not killed:

| Mutant | Change | Outcome | Reason |
|---|---|---|---|
{alive}
"""


def _test_in(line: str) -> str:
    """Return the test's name in pytest's line of a failure."""
    return line.partition(" - ")[0].rpartition("::")[2].partition("[")[0]


def mutants_section(mutants: Mutants) -> str:
    """Return the page's part on mutants."""
    rows = mutants["rows"]
    parts, alive = [], []
    for part, folder in (("library", "src/"), ("server", "server/src/")):
        own = [row for row in rows if row["path"].startswith(folder)]
        counts = collections.Counter(row["outcome"] for row in own)
        new = sum(row["outcome"] == "killed" and _test_in(row["by"]) in mutants["added"] for row in own)
        parts.append(
            f"| {part} | {len(own)} | {counts['killed']} | {new} | {counts['survived']} | {counts['undecided']} |"
        )
        for row in own:
            if row["outcome"] != "killed":
                reason = mutants["reasons"].get(str(row["number"]), "")
                place = f"`{row['path'].removeprefix(folder)}`, `{row['function']}`"
                change = f"`{row['before']}` → `{row['after']}`".replace("|", r"\|")
                alive.append(f"| {place} | {change} | {row['outcome']} | {reason} |")
    recorded = (
        f"Command: `{mutants['command']}`; {mutants['date']}, {mutants['processor']}, Python {mutants['python']}, "
        f"{mutants['load']}."
    )
    return MUTANTS.format(recorded=recorded, parts="\n".join(parts), alive="\n".join(alive))


def page(costs: Costs) -> str:
    """Return `docs/tests.md`."""
    folders = sorted(costs["folders"].items(), key=lambda one: -one[1]["cpu_s"])
    rows = (f"| `{folder}` | {one['tests']:,} | {one['cpu_s']:,.0f} |" for folder, one in folders)
    total = sum(one["cpu_s"] for _, one in folders)
    recorded = (
        f"Last recorded run: {costs['date']}, {costs['processor']}, Python {costs['python']}; {total:,.0f} s of "
        f"processor time in {costs['seconds']:,} s."
    )
    tests = (f"| `{test}` | {cpu_s:,.1f} |" for test, cpu_s in costs["slowest"])
    return HEAD.format(recorded=recorded, folders="\n".join(rows)) + DEAREST.format(tests="\n".join(tests))


def rendered() -> str:
    """Return the page of the committed figures."""
    return page(read(KEPT)) + mutants_section(read(MUTANTS_KEPT))


def read(path: Path) -> Any:  # Any: JSON
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        KEPT.write_text(json.dumps(read(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(rendered(), encoding="utf-8")
    print(f"rendered {PAGE.relative_to(ROOT)}")
