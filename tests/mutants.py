"""Mutation test of the library and the server: small faults, drawn at random, that the tests should find.

A mutant is one source file with one changed operator, comparison, condition, number or returned value. For each mutant
the doctests of its module and the tests of its package run until the first failure, most closely related first: files
that name the changed function, its callers in the module, the module, or what imports it. A test that fails must pass
on the unchanged source, else it decides nothing. A mutant that no test notices shows a property that is not tested.

python -m tests.mutants --seed 1 --count 60 --rows mutants.jsonl    draw and try; continues where it stopped
python -m tests.mutants --seed 1 --count 60 --rows mutants.jsonl --undecided    continue with those that took too long
python -m tests.mutants --seed 1 --count 60 --rows mutants.jsonl --summary      count what the rows contain
python -m tests.mutants --seed 1 --count 60 --rows mutants.jsonl --keep         save them as tests/mutants.json
python -m tests.mutants --seed 1 --count 60 --list                  the mutants alone

Half of the mutants are drawn from the library, half from the server, each place of the sources with the same chance.
The outcomes are *killed* (a test failed), *survived* (all tests that are related passed) and *undecided* (the time
limit ended the tests; it is no kill, because machines differ in speed). Tests run in forks of this process, which
imports the large third-party packages once.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import inspect
import json
import math
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.costs import processor

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "mutants.json"
SOURCES = {"library": Path("src/unseen"), "server": Path("server/src/unseen_server")}
TESTS = {"library": Path("tests"), "server": Path("server/tests")}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
MOST_S = 240
OWN = ("tests", "unseen", "unseen_server", "unseen_models", "conftest")
LARGE = ("torch", "torch._dynamo", "scipy.stats", "scipy.ndimage", "scipy.signal", "sklearn.linear_model",
         "skimage.metrics", "PIL.Image", "pydicom", "polars", "pydantic", "typer", "safetensors.torch", "fastapi",
         "sqlalchemy", "uvicorn", "alembic", "httpx", "starlette.testclient", "hypothesis", "pytest")  # fmt: skip
"""Third-party packages that take long to import."""


@dataclass(frozen=True)
class Mutant:
    """One change of one place: lines and columns as `ast` counts them, and the text that replaces them."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    before: str
    after: str

    def source(self, text: str) -> str:
        """`text` of the file with the change."""
        lines = text.encode().split(b"\n")
        last = lines[self.end_line - 1][self.end_column :]
        changed = lines[self.line - 1][: self.column] + self.after.encode() + last
        return b"\n".join([*lines[: self.line - 1], changed, *lines[self.end_line :]]).decode()


def _changed(node: ast.AST) -> ast.expr | None:
    """`node` with one fault, or None where this kind of node is left alone."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        return ast.Compare(node.left, [COMPARISONS[type(node.ops[0])](), *node.ops[1:]], node.comparators)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        texts = [part for part in (node.left, node.right) if isinstance(part, ast.JoinedStr | ast.Constant)]
        if any(isinstance(part, ast.JoinedStr) or isinstance(part.value, str) for part in texts):
            return None  # a text is joined or formatted
        return ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    if isinstance(node, ast.BoolOp):
        return ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return ast.Constant(node.value + 1)
    return None


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.expr, ast.expr]]:
    """Function, node and replacement of each place inside a function; annotations and defaults stay."""

    def walk(node: ast.AST, function: str, inside: bool) -> Iterator[tuple[str, ast.expr, ast.expr]]:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
                continue
            for child in value if isinstance(value, list) else [value]:
                if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                    continue
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from walk(child, child.name, True)
                    continue
                if inside and isinstance(child, ast.expr) and (new := _changed(child)) is not None:
                    yield function, child, new
                if inside and isinstance(child, ast.Return) and child.value is not None and _returns_value(child.value):
                    yield function, child.value, ast.Constant(None)
                yield from walk(child, function, inside)

    yield from walk(tree, "", False)


def _returns_value(value: ast.expr) -> bool:
    return not (isinstance(value, ast.Constant) and value.value in (None, False))


def mutants_of(path: Path, root: Path = ROOT) -> list[Mutant]:
    """Return all mutants of the file `path`, which is relative to `root`."""
    text = (root / path).read_text(encoding="utf-8")
    lines = text.encode().split(b"\n")
    found = []
    for function, node, new in _places(ast.parse(text)):
        assert node.end_lineno is not None and node.end_col_offset is not None
        part = lines[node.lineno - 1 : node.end_lineno]
        part[-1] = part[-1][: node.end_col_offset]
        part[0] = part[0][node.col_offset :]
        after = f"({ast.unparse(ast.fix_missing_locations(new))})"
        span = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        found.append(Mutant(str(path), *span, function, b"\n".join(part).decode(), after))
    return found


def drawn(seed: int, count: int, root: Path = ROOT) -> list[Mutant]:
    """`count` different mutants, library and server in turns."""
    chance = random.Random(seed)
    pools = []
    for folder in SOURCES.values():
        paths = sorted(path.relative_to(root) for path in (root / folder).rglob("*.py"))
        paths = [path for path in paths if "migrations" not in path.parts and "recipes" not in path.parts]
        pools.append([mutant for path in paths for mutant in mutants_of(path, root)])
    found: list[Mutant] = []
    while len(found) < count:
        mutant = chance.choice(pools[len(found) % 2])
        if mutant not in found:
            found.append(mutant)
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Za-z_]\w*", text))


def _names_in(node: ast.AST) -> set[str]:
    """Identifiers that `node` refers to: names and attributes."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def _reaching(tree: ast.Module, function: str) -> set[str]:
    """`function`, its class, and the functions and classes of its module that refer to one of these."""
    definitions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    referred = {id(node): _names_in(node) for node in definitions}
    defined = {
        id(node): {part.name for part in ast.walk(node) if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
        for node in definitions
    }
    found = {function}
    while True:
        new = {
            node.name
            for node in definitions
            if referred[id(node)] & found or (isinstance(node, ast.ClassDef) and defined[id(node)] & found)
        } - found
        if not new:
            return {name for name in found if not name.startswith("__")}
        found |= new


class TestFiles:
    """The test files of a checkout, in order of how closely they are related to a mutant."""

    __test__ = False  # no tests for pytest

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tests = {
            side: {path.relative_to(root): _words(path.read_text(encoding="utf-8")) for path in _below(root / folder)}
            for side, folder in TESTS.items()
        }
        self._trees = {
            path.relative_to(root): ast.parse(path.read_text(encoding="utf-8"))
            for folder in SOURCES.values()
            for path in (root / folder).rglob("*.py")
        }

    def weights(self, mutant: Mutant) -> dict[str, float]:
        """Return names that a related test contains, and how much each one counts: rare names count most."""
        side, path = _side(mutant), Path(mutant.path)
        weights = dict.fromkeys(self._importers(path, side), 0.3)
        weights |= dict.fromkeys(_reaching(self._trees[path], mutant.function), 2.0)
        weights |= {path.stem: 1.0, mutant.function: 3.0}
        counts = {word: sum(word in words for words in self._tests[side].values()) for word in weights}
        return {word: weight / counts[word] for word, weight in weights.items() if counts[word]}

    def related(self, mutant: Mutant) -> list[str]:
        """Files that share a folder or a name with the mutant's module, the closest first."""
        side, path = _side(mutant), Path(mutant.path)
        below = path.relative_to(SOURCES[side])
        weights = self.weights(mutant)
        scores: dict[Path, float] = {}
        for test, words in self._tests[side].items():
            score = sum(weight for word, weight in weights.items() if word in words)
            score += 0.5 * len({test.stem.removeprefix("test_"), *test.parts[:-1]} & {path.stem, *below.parts[:-1]})
            score += len(set(test.stem.split("_")) & set(path.stem.split("_"))) * 0.3
            if (
                test.parent.name in ("browser", "docs", "house", "studies", "cli")
                and path.parent.name != test.parent.name
            ):
                score *= 0.3  # these start programs, or run much else
            if score > 0:
                scores[test] = score
        return [str(test) for test in sorted(scores, key=lambda test: (-scores[test], str(test)))]

    def _importers(self, path: Path, side: str) -> set[str]:
        """Stems and public names of the modules that import the module `path`."""
        module = ".".join(path.relative_to(SOURCES[side].parent).with_suffix("").parts).removesuffix(".__init__")
        package, _, name = module.rpartition(".")
        found = set()
        for other, tree in self._trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and (
                    node.module == module
                    or (node.module == package and any(alias.name == name for alias in node.names))
                ):
                    found |= {other.stem} | {
                        part.name
                        for part in tree.body
                        if isinstance(part, ast.FunctionDef | ast.ClassDef) and not part.name.startswith("_")
                    }
                    break
        return found - {"__init__"}


def _side(mutant: Mutant) -> str:
    return "library" if mutant.path.startswith("src/") else "server"


class Order:
    """A plug-in of pytest: tests whose text contains the given names run first."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=self._rank)

    def _rank(self, item: pytest.Item) -> float:
        if not isinstance(item, pytest.Function):
            return -math.inf  # a doctest of the module
        text = f"{item.name} {inspect.getsource(item.function)}"
        return -sum(weight for word, weight in self._weights.items() if word in _words(text))


def _below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("test_*.py"))


@dataclass(frozen=True)
class Ended:
    """End of a run of pytest: its exit status, None at the time limit, and the first test that failed."""

    code: int | None
    failed: str
    tail: str


class Checkout:
    """A copy of the repository in which the tests run, in forks of this process."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder, self._root = folder, root
        names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
        self.files = TestFiles(folder)
        self.broken: set[str] = set()
        """Tests that fail on the unchanged source."""

    def run(self, words: list[str], limit_s: float, order: Order | None = None) -> Ended:
        """Pytest with these words, until the first failure."""
        output = self.folder.parent / "output.txt"
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._pytest(words, output, order)
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() - began > limit_s:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                break
            time.sleep(0.05)
        text = output.read_text(encoding="utf-8", errors="replace")
        failed = [line.split(" ", 1)[1] for line in text.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return Ended(os.waitstatus_to_exitcode(status) if ended else None, failed[0] if failed else "", text[-400:])

    def _pytest(self, words: list[str], output: Path, order: Order | None) -> NoReturn:
        code = 99
        try:
            os.setsid()
            with output.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
            sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            os.chdir(self.folder)
            paths = [str(self.folder / name) for name in ("src", "server/src", "models/src", ".", "server")]
            os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
            own = {str(self._root / name) for name in ("src", "server/src", "models/src", "", "server")}
            sys.path[:] = paths + [path for path in sys.path if path and str(Path(path)) not in own]
            for name in [name for name in sys.modules if name.partition(".")[0] in OWN]:
                del sys.modules[name]
            options = ["-x", "-q", "-m", "not nightly", "--no-header", "--durations=0", "--timeout=120"]
            code = pytest.main(
                [*options, "-p", "no:cacheprovider", "-p", "no:xdist", *words], plugins=[order] if order else []
            )
        finally:
            sys.stdout.flush()
            os._exit(code)

    def tried(self, mutant: Mutant, limit_s: float, passed: Mapping[str, int]) -> dict[str, object]:
        """Return the row of one mutant: outcome, the test that failed, seconds, and checksums of the files that passed.

        Files that passed before, and have the same checksum now, are left out.
        """
        began = time.monotonic()
        files = [
            name for name in [mutant.path, *self.files.related(mutant)] if passed.get(name) != self._checksum(name)
        ]
        done = dict(passed)
        outcome, by, at = "survived", "", 0
        for size in (4, 6, 12, len(files)):
            part, at = files[at : at + size], at + size
            while part and outcome == "survived":
                left_s = limit_s - (time.monotonic() - began)
                ended = self._mutated(mutant, part, left_s)
                if ended.code is None:
                    outcome = "undecided"
                elif ended.code in (0, 5):
                    done |= {name: self._checksum(name) for name in part}
                    part = []
                elif not ended.failed:
                    outcome, by = "error", ended.tail
                elif self._fails_anyway(ended.failed):
                    continue
                else:
                    outcome, by = "killed", ended.failed
        seconds = round(time.monotonic() - began)
        return asdict(mutant) | {"outcome": outcome, "by": by[:300], "seconds": seconds, "passed": done}

    def _checksum(self, name: str) -> int:
        return zlib.crc32((self.folder / name).read_bytes())

    def _mutated(self, mutant: Mutant, part: list[str], limit_s: float) -> Ended:
        path = self.folder / mutant.path
        text = path.read_text(encoding="utf-8")
        skip = [f"--deselect={name}" for name in sorted(self.broken)]
        doctests = ["--doctest-modules"] if mutant.path in part else []
        try:
            path.write_text(mutant.source(text), encoding="utf-8")
            return self.run([*doctests, *skip, *part], limit_s, Order(self.files.weights(mutant)))
        finally:
            path.write_text(text, encoding="utf-8")

    def _fails_anyway(self, failed: str) -> bool:
        """Return True if the test of pytest's line `failed` fails on the unchanged source too."""
        name = failed.partition(" - ")[0]
        doctests = [] if Path(name.partition("::")[0]).name.startswith("test_") else ["--doctest-modules"]
        if self.run([*doctests, name], MOST_S).code in (0, 5):
            return False
        self.broken.add(name)
        return True


def main() -> None:
    """Draw mutants and try them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--rows", type=Path, help="JSON lines, one per mutant that was tried")
    parser.add_argument("--limit", type=float, default=MOST_S, help="seconds of tests for each mutant")
    parser.add_argument("--undecided", action="store_true", help="try those again that the limit ended")
    parser.add_argument("--only", type=int, nargs="+", help="these mutants alone, by number")
    parser.add_argument("--summary", action="store_true", help="count the rows' outcomes, and name who is not killed")
    parser.add_argument("--keep", action="store_true", help="save the rows as tests/mutants.json, for docs/tests.md")
    parser.add_argument("--list", action="store_true", help="show the mutants, try none")
    given = parser.parse_args()
    mutants = drawn(given.seed, given.count)
    if given.list or given.rows is None:
        for number, mutant in enumerate(mutants):
            print(f"{number:3} {mutant.path}:{mutant.line} {mutant.function}: {mutant.before!r} -> {mutant.after!r}")
        return
    lines = given.rows.read_text().splitlines() if given.rows.exists() else []
    rows = {row["number"]: row for row in map(json.loads, lines)}  # the last row of each counts
    if given.summary:
        print("\n".join(summary(rows.values())))
        return
    if given.keep:
        _keep(given.seed, given.count, rows)
        return
    for package in LARGE:
        importlib.import_module(package)
    with tempfile.TemporaryDirectory(prefix="unseen-mutants-") as folder:
        checkout = Checkout(Path(folder) / "checkout")
        for number, mutant in enumerate(mutants):
            if given.only is not None and number not in given.only:
                continue
            known = rows.get(number)
            if known is not None and not (given.undecided and known["outcome"] == "undecided"):
                continue
            passed = known["passed"] if known is not None else {}
            row = {"seed": given.seed, "number": number} | checkout.tried(mutant, given.limit, passed)
            with given.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{number:3} {row['outcome']} {row['seconds']} s {mutant.path}:{mutant.line} {mutant.function}: "
                  f"{mutant.before!r} -> {mutant.after!r} {row['by']}", flush=True)  # fmt: skip


def _keep(seed: int, count: int, rows: Mapping[int, dict[str, Any]]) -> None:
    """Save the rows; names of added tests, reasons and the machine's load are edited in the file by hand, and stay."""
    before = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    columns = ("number", "path", "line", "function", "before", "after", "outcome", "by")
    kept = {
        "command": f"python -m tests.mutants --seed {seed} --count {count}",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "python": platform.python_version(),
        "load": before.get("load", "idle"),
        "added": before.get("added", []),
        "reasons": before.get("reasons", {}),
        "rows": [{name: rows[number][name] for name in columns} for number in sorted(rows)],
    }
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def summary(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return lines that count the outcomes of library and server, and name each mutant that is not killed."""
    rows = list(rows)
    lines = []
    for side, folder in SOURCES.items():
        own = [row for row in rows if row["path"].startswith(f"{folder}/")]
        counts = Counter(row["outcome"] for row in own)
        lines.append(", ".join([f"{side}: {len(own)} tried", *(f"{counts[name]} {name}" for name in sorted(counts))]))
    for row in rows:
        if row["outcome"] != "killed":
            place = f"{row['path']}:{row['line']} {row['function']}"
            lines.append(f"{row['number']:3} {row['outcome']}: {place}: {row['before']!r} -> {row['after']!r}")
    return lines


if __name__ == "__main__":
    main()
