"""Search for docstrings of library and server whose first line is not a noun phrase or a verb.

The texts below constants and attributes count, too.

python -m tests.repository.first_lines    print each one; exit status 1 if there are any
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.source_trees import statements

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "src" / "unseen", ROOT / "server" / "src" / "unseen_server")
MODULES = ("studies", "benchmarks", "docs", "tests", "server/tests")
"""Folders in which the docstrings of modules are checked, which are rows of the code map or say what is tested."""
FROZEN = "migrations"
"""Folder of the schema revisions, which stay as they were released."""
OPENINGS = re.compile(r"(What|Whether|Which|How|Where|Of|That|Those|As|Who|Whose|To whom)\b")
"""First words of a clause or a genitive. A function's first line begins with a verb, a class's with a noun."""
OF_FUNCTIONS = re.compile(
    r"(Why|When|Until|For|One|Each|Every|All|Both|Two|Some|Somebody|Nothing|Another|Other|No|None|So|Its)\b"
)
"""First words of functions' docstrings that are no verbs, and that ruff's D401 accepts. Properties may have them."""


def found(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the first line of each docstring that begins with one of `OPENINGS`."""
    for node in statements(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = (ast.get_docstring(node) or "").partition("\n")[0]
            if OPENINGS.match(first) or (_is_plain_function(node) and OF_FUNCTIONS.match(first)):
                yield getattr(node, "lineno", 1), first
        yield from _below_assignments(getattr(node, "body", None))


def _is_plain_function(node: ast.AST) -> bool:
    """Return True for a function or a method that is no property."""
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not any(
        "property" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def _below_assignments(body: object) -> Iterator[tuple[int, str]]:
    """Yield the texts that stand below an assignment, as `found` does."""
    statements = body if isinstance(body, list) else []
    for above, node in itertools.pairwise(statements):
        if not isinstance(above, (ast.Assign, ast.AnnAssign)) or not isinstance(node, ast.Expr):
            continue
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            first = node.value.value.partition("\n")[0]
            if OPENINGS.match(first):
                yield node.lineno, first


def main() -> int:
    """Print each docstring that is found."""
    status = 0
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")):
            if FROZEN in path.parts:
                continue
            for line, first in found(path.read_text(encoding="utf-8")):
                place = f"{path.relative_to(ROOT)}:{line}"
                print(f"{place}: {first!r}. Begin with a verb (function) or a noun (class, module).")
                status = 1
    for path in sorted(path for folder in MODULES for path in (ROOT / folder).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if not OPENINGS.match(source.partition('"""')[2].lstrip()):
            continue  # before the file is parsed, which takes a second for all of them
        docstring = ast.get_docstring(ast.parse(source)) or ""
        if OPENINGS.match(docstring):
            print(f"{path.relative_to(ROOT)}: {docstring.partition(chr(10))[0]!r}. Begin with a noun.")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
