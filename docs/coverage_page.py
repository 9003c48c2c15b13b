"""`docs/coverage.md`: how much of the package the tests reach, and which branches of the safety modules they do not.

python docs/coverage_page.py REPORT.json TESTS…       takes in a report of `coverage json` on these tests, renders the
                                                     page; `make coverage` calls it. Exit status 1: a safety branch is
                                                     not covered and not listed
python docs/coverage_page.py                         renders the page from studies/results/coverage.json
"""

from __future__ import annotations

import ast
import json
import platform
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "studies" / "results" / "coverage.json"
PAGE = ROOT / "docs" / "coverage.md"
EXCEPTIONS = ROOT / "docs" / "coverage_exceptions.toml"
SAFETY = ("src/unseen/screening/", "server/src/unseen_server/worklist/")
"""Modules that decide whether a study may be cleared, and modules that keep films, decisions and the audit trail."""
EVERY_TEST = "tests server/tests"
TEXT = """\
# Coverage

*Rendered by `make coverage` from `studies/results/coverage.json`; every figure is in there. Research use only. Not a \
medical device. Not for diagnosis.*

After this page you know which code the tests do not reach. The figures count branches: both ways of each condition.

Measured {date} by `make coverage` on `{tests}`, Python {python}, coverage.py {coverage}.

| Package | Files | Statements | Covered | Branches | Covered |
|---|---|---|---|---|---|
{rows}

Only packages that the measured tests are about stand here. `make coverage TESTS="tests server/tests"` measures all of \
them.

## Not covered in the safety modules

`screening` decides whether a study may be cleared. `worklist` keeps films, decisions and the audit trail. A test \
fails when a branch of theirs is not covered and not listed here. Each place has its reason in \
`docs/coverage_exceptions.toml`.

| Where | Branches | Lines | Why |
|---|---|---|---|
{places}
"""

Figures = dict[str, Any]  # Any: JSON


def module_of(name: str) -> str:
    """Return the path of a file from the folder that is on Python's path.

    >>> module_of("server/src/unseen_server/worklist/store.py")
    'unseen_server/worklist/store.py'
    """
    return name.rpartition("src/")[2]


def package_of(name: str) -> str:
    """Return the package of a file, below its parent package; a file of the parent package itself stands for itself.

    >>> package_of("src/unseen/screening/gate/learnt_rules.py"), package_of("src/unseen/deprecation.py")
    ('unseen/screening', 'unseen/deprecation.py')
    """
    return "/".join(module_of(name).split("/")[:2])


def function_of(tree: ast.AST, line: int) -> str:
    """Return the innermost function or method around a line; "" for the module itself.

    >>> function_of(ast.parse("class A:\\n  def f(self):\\n    pass"), 3)
    'A.f'
    """
    around: list[str] = []

    def look(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            first, last = getattr(child, "lineno", 0), getattr(child, "end_lineno", 0) or 0
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and first <= line <= last:
                around.append(child.name)
            look(child)

    look(tree)
    return ".".join(around)


def taken_in(report: Mapping[str, Any], *, tests: str, root: Path = ROOT) -> Figures:
    """Summarise a coverage report: sums by package, and the missed lines and branches of safety modules by function."""
    packages: dict[str, dict[str, int]] = {}
    missed: dict[str, dict[str, int]] = {}
    for name, file in sorted(report["files"].items()):
        summary = file["summary"]
        sums = packages.setdefault(package_of(name), dict.fromkeys(("files", *_SUMS), 0))
        sums["files"] += 1
        for one in _SUMS:
            sums[one] += summary[one]
        if not name.startswith(SAFETY):
            continue
        tree = ast.parse((root / name).read_text(encoding="utf-8"))
        gaps = [("branches", start) for start, _ in file["missing_branches"]]
        for kind, line in [*gaps, *(("lines", line) for line in file["missing_lines"])]:
            place = f"{module_of(name)}:{function_of(tree, line)}"
            missed.setdefault(place, {"branches": 0, "lines": 0})[kind] += 1
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "tests": tests,
        "python": platform.python_version(),
        "coverage": report["meta"]["version"],
        "packages": packages,
        "missed": missed,
    }


_SUMS = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def reasons() -> dict[str, str]:
    """Return the reason of each listed exception, by place."""
    listed = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    return {place: reason for reason, places in listed["reasons"].items() for place in places}


def unlisted(figures: Figures, listed: Mapping[str, str]) -> list[str]:
    """Return a sentence for each place of the safety modules that the tests do not reach, and that is not listed."""
    return [
        f"{place}: {gaps['branches']} branches, {gaps['lines']} lines are not covered. Test them, or list the place "
        f"with its reason in {EXCEPTIONS.name}."
        for place, gaps in figures["missed"].items()
        if place not in listed
    ]


def page(figures: Figures, listed: Mapping[str, str]) -> str:
    """Return the whole page as Markdown."""
    return TEXT.format(
        date=figures["date"],
        tests=figures["tests"],
        python=figures["python"],
        coverage=figures["coverage"],
        rows="\n".join(_rows(figures)),
        places="\n".join(
            f"| `{place}` | {gaps['branches']} | {gaps['lines']} | {listed.get(place, '**not listed**')} |"
            for place, gaps in figures["missed"].items()
        ),
    )


def _rows(figures: Figures) -> Iterator[str]:
    safety = {package_of(name) for name in SAFETY}
    for name, sums in figures["packages"].items():
        if name not in safety and figures["tests"] != EVERY_TEST:
            continue
        lines, covered, branches, taken = (sums[one] for one in _SUMS)
        yield (
            f"| `{name}` | {sums['files']} | {lines:,} | {100 * covered / max(lines, 1):.1f} % "
            f"| {branches:,} | {100 * taken / max(branches, 1):.1f} % |"
        )


def main(arguments: list[str]) -> int:
    if arguments:
        report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        figures = taken_in(report, tests=" ".join(arguments[1:]))
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    PAGE.write_text(page(figures, reasons()), encoding="utf-8")
    print(f"rendered {PAGE.relative_to(ROOT)}")
    missing = unlisted(figures, reasons())
    print(*missing, sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
