"""No two classes of the library have the same name, so that a search for a name ends at one file."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.source_trees import statements

ROOT = Path(__file__).parents[2]
NESTED = {"Config"}
"""Names of classes inside others: `Dct.Config` holds the settings of `Dct`."""


def test_class_names_are_unique() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "src" / "unseen").rglob("*.py")):
        for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name not in NESTED:
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(places) > 300
    assert not {name: found for name, found in places.items() if len(found) > 1}
