"""No import cycle between modules, where imports for type checkers and imports in functions count as well.

The contract in pyproject.toml leaves out imports under `if TYPE_CHECKING`: tests/repository/test_cycle_contract.py.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.source_trees import imports

ROOT = Path(__file__).parents[2]
SOURCES = {"unseen": ROOT / "src", "unseen_server": ROOT / "server" / "src"}
"""Package → the folder that holds it."""


def module_name(path: Path, source: Path) -> str:
    """Return the dotted name of a module or package."""
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.Import | ast.ImportFrom, importer: str, *, is_package: bool) -> list[tuple[str, str]]:
    """Return (module, name) of each imported name; the name is empty for `import a.b`."""
    if isinstance(node, ast.Import):
        return [(alias.name, "") for alias in node.names]
    base = node.module or ""
    if node.level:
        parts = importer.split(".")
        kept = parts[: len(parts) - node.level + is_package]
        base = ".".join([*kept, *filter(None, [node.module])])
    return [(base, alias.name) for alias in node.names]


def graph(package: str, source: Path) -> dict[str, set[str]]:
    """Return the modules that each module of the package imports, wherever the import stands in the file."""
    files = {module_name(path, source): path for path in (source / package).rglob("*.py")}
    edges: dict[str, set[str]] = {}
    for importer, path in files.items():
        edges[importer] = set()
        for node in imports(path):
            for base, name in imported(node, importer, is_package=path.name == "__init__.py"):
                target = f"{base}.{name}" if f"{base}.{name}" in files else base
                if target in files and target != importer:
                    edges[importer].add(target)
    return edges


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle, the first one again at the end; an empty list if there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


@pytest.mark.parametrize("package", SOURCES)
def test_no_module_is_imported_by_one_that_it_imports(package: str) -> None:
    edges = graph(package, SOURCES[package])
    assert len(edges) > 100
    assert not (found := cycle(edges)), " <- ".join(found)


@pytest.mark.parametrize(
    "later",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ringed.a import f\n",
        "def g():\n    from .a import f\n",
        "import ringed.a\n",
    ],
    ids=["for type checkers", "in a function", "whole module"],
)
def test_a_cycle_is_found(later: str, tmp_path: Path) -> None:
    folder = tmp_path / "ringed"
    folder.mkdir()
    for name, text in {"__init__.py": "", "a.py": "from ringed.b import g\n", "b.py": later}.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert set(cycle(graph("ringed", tmp_path))) == {"ringed.a", "ringed.b"}


def test_imports_in_one_direction_are_no_cycle(tmp_path: Path) -> None:
    folder = tmp_path / "straight"
    folder.mkdir()
    for name, text in {"__init__.py": "", "a.py": "from straight import b\n", "b.py": ""}.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert not cycle(graph("straight", tmp_path))
