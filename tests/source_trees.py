"""Statements of Python sources, at any depth: a fifth of the nodes that `ast.walk` visits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_HOLDING = ("body", "orelse", "finalbody", "handlers", "cases")


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the node and each statement, exception handler and case in it.

    >>> [type(node).__name__ for node in statements(ast.parse("if x:\\n    import y\\nelse:\\n    z = 1"))]
    ['Module', 'If', 'Import', 'Assign']
    """
    yield node
    for name in _HOLDING:
        inside = getattr(node, name, None)
        for one in inside if isinstance(inside, list) else ():
            yield from statements(one)


Imports = tuple[ast.Import | ast.ImportFrom, ...]
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def imports(path: Path) -> Imports:
    """Return the import statements of a file, those in functions and conditions included."""
    return _read(path)[0]


def docstrings(path: Path) -> str:
    """Return the docstrings of a file's module, classes and functions, one below the other."""
    return _read(path)[1]


@cache
def _read(path: Path) -> tuple[Imports, str]:
    """Return what tests ask of a file, from one look through it; its tree is not kept."""
    nodes = list(statements(ast.parse(path.read_text(encoding="utf-8"))))
    found = tuple(node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)))
    return found, "\n".join(ast.get_docstring(node) or "" for node in nodes if isinstance(node, _DOCUMENTED))
