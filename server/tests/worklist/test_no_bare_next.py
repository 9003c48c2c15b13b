"""`next()` without a default ends in StopIteration, and so in status 500, where nothing is left: none is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import unseen_server

ROOT = Path(unseen_server.__file__).parent


@pytest.mark.parametrize("package", ["web", "pacs", "worklist"])
def test_every_next_has_a_default(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"\ba?next\(", text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("next", "anext")
        if len(node.args) == 1
    ]
    assert found == []
