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


@cache
def imports(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Return the import statements of a file, those in functions and conditions included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node for node in statements(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
