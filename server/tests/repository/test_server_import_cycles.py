"""Imports of the server form no cycle, those under TYPE_CHECKING and inside functions included."""

from __future__ import annotations

import ast
from pathlib import Path

import unseen_server

PACKAGE = Path(unseen_server.__file__).parent


def imports(package: Path) -> dict[str, set[str]]:
    """Return for each module of the package the modules of it that it imports."""
    files = {_module(path, package): path for path in package.rglob("*.py")}
    return {module: _imported(path, files) - {module} for module, path in files.items()}


def _module(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, files: dict[str, Path]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in files else node.module for name in submodules}
    return found & set(files)


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle in their order; an empty list if there is none.

    >>> cycle_in({"a": {"b"}, "b": {"c"}, "c": set()}), cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}})
    ([], ['b', 'c'])
    """
    done: set[str] = set()
    for start in sorted(graph):
        path: list[str] = []
        waiting = [(start, iter(sorted(graph[start])))] if start not in done else []
        path += [start] if waiting else []
        while waiting:
            module, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                done.add(module)
                waiting.pop()
                path.pop()
            elif following in path:
                return path[path.index(following) :]
            elif following not in done:
                path.append(following)
                waiting.append((following, iter(sorted(graph[following]))))
    return []


def test_imports_for_type_checkers_and_inside_functions_are_read(tmp_path: Path) -> None:
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample import second\n"
    )
    (package / "second.py").write_text("def run():\n    from sample.first import name\n")
    assert cycle_in(imports(package)) == ["sample.first", "sample.second"]


def test_the_server_has_no_import_cycle() -> None:
    graph = imports(PACKAGE)
    assert len(graph) > 100
    assert cycle_in(graph) == []
