"""Mutation test of the library and the server: small faults, drawn at random, that the tests should find.

A mutant is one source file with one changed operator, comparison, condition, number or returned value. For each mutant
the tests of its subpackage run until the first failure: first the files that name what the changed function defines,
then the others. A mutant that no test notices shows a property that is not tested.

python -m tests.mutants --seed 1 --count 60 --rows mutants.jsonl    draw and try; continues where it stopped
python -m tests.mutants --seed 1 --count 60 --list                  the mutants alone

Half of the mutants are drawn from the library, half from the server, each place of the sources with the same chance.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
MOST_S = 900


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
    """All mutants of the file `path`, which is relative to `root`."""
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
    """`count` mutants, library and server in turns."""
    chance = random.Random(seed)
    pools = []
    for folder in SOURCES.values():
        paths = sorted(path.relative_to(root) for path in (root / folder).rglob("*.py"))
        paths = [path for path in paths if "migrations" not in path.parts and "recipes" not in path.parts]
        pools.append([mutant for path in paths for mutant in mutants_of(path, root)])
    return [chance.choice(pools[number % 2]) for number in range(count)]


def _test_files(mutant: Mutant, root: Path) -> list[str]:
    """Test files of the mutant's subpackage, those that name its module or function first."""
    side = "library" if mutant.path.startswith("src/") else "server"
    below = Path(mutant.path).relative_to(SOURCES[side])
    folders = [TESTS[side] / below.parts[0]] if len(below.parts) > 1 else [TESTS[side]]
    if side == "server" and below.parts[0] not in ("pacs", "worklist"):
        folders.append(TESTS[side] / "browser")
    words = {Path(mutant.path).stem, mutant.function} - {"__init__", ""}
    named: list[str] = []
    others: list[str] = []
    for folder in folders:
        for path in sorted((root / folder).rglob("test_*.py")):
            text = path.read_text(encoding="utf-8")
            (named if any(word in text for word in words) else others).append(str(path.relative_to(root)))
    return named + others


def tried(mutant: Mutant, copy: Path, workers: int) -> dict[str, object]:
    """The row of one mutant: killed or not, by which test, after how many seconds. `copy` is a copy of the checkout."""
    path = copy / mutant.path
    text = path.read_text(encoding="utf-8")
    environment = dict(os.environ) | {
        "PYTHONPATH": os.pathsep.join(str(copy / folder.parent) for folder in SOURCES.values())
        + f"{os.pathsep}{copy / 'models/src'}{os.pathsep}{copy}",
        "OMP_NUM_THREADS": "1",
    }
    began = time.monotonic()
    try:
        path.write_text(mutant.source(text), encoding="utf-8")
        command = [sys.executable, "-m", "tests.forked_workers", "-x", "-q", "-m", "not nightly", "--no-header"]
        command += ["-n", str(workers), "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *_test_files(mutant, copy)],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=MOST_S,
        )
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        outcome = {0: "survived", 1: "killed"}.get(done.returncode, "killed" if failed else "error")
        by = failed[0] if failed else done.stdout[-300:] if outcome == "error" else ""
    except subprocess.TimeoutExpired:
        outcome, by = "killed", f"time limit of {MOST_S} s"
    finally:
        path.write_text(text, encoding="utf-8")
    return asdict(mutant) | {"outcome": outcome, "by": by[:300], "seconds": round(time.monotonic() - began)}


def main() -> None:
    """Draw mutants and try them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--rows", type=Path, help="JSON lines, one per mutant that was tried")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="show the mutants, try none")
    given = parser.parse_args()
    mutants = drawn(given.seed, given.count)
    if given.list or given.rows is None:
        for number, mutant in enumerate(mutants):
            print(f"{number:3} {mutant.path}:{mutant.line} {mutant.function}: {mutant.before!r} -> {mutant.after!r}")
        return
    done = len(given.rows.read_text().splitlines()) if given.rows.exists() else 0
    with tempfile.TemporaryDirectory(prefix="unseen-mutants-") as folder:
        copy = Path(folder) / "checkout"
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
        for number, mutant in enumerate(mutants):
            if number < done:
                continue
            row: dict[str, object] = {"seed": given.seed, "number": number} | tried(mutant, copy, given.workers)
            with given.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{number:3} {row['outcome']} {row['seconds']} s {mutant.path}:{mutant.line} {mutant.function}: "
                  f"{mutant.before!r} -> {mutant.after!r} {row['by']}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
