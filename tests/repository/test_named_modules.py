"""Modules, classes and Python files that docstrings and pages name exist.

Of backticked names these are looked up: full ones (`unseen.physics.Mask`), those of a class in a module
(`solution.Solution`), relative to the packages of the file, and paths of Python files (`losses/unsure.py`). Others may
name variables, members of instances or the reader's own files.
"""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.source_trees import docstrings

ROOT = Path(__file__).parents[2]
SOURCES = tuple(ROOT / folder for folder in ("src", "server/src", "models/src"))
PAGES = tuple(ROOT / "docs" / folder for folder in ("get-started", "how-to", "theory"))
PAGES_OF_FILES = tuple(ROOT / "docs" / folder for folder in ("decisions", "theory"))
"""Pages of which each Python file is in the repository; how-to pages also name the reader's."""
FULL = re.compile(r"`(unseen(?:_server|_models)?(?:\.[A-Za-z_]\w*)+)(?:\([^`]*\))?`")
CLASS = re.compile(r"`([a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*\.[A-Z]\w*[a-z]\w*)(?:\([^`]*\))?`")
PYTHON_FILE = re.compile(r"`((?:[\w-]+/)+\w+\.py)(?:::\w+)?`")
FILES = (".csv", ".db", ".json", ".log", ".md", ".py", ".tar", ".toml", ".zip")
NO_MODULES = ("cls.", "self.")


@cache
def exists(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@cache
def entry_point_groups() -> set[str]:
    """Strings such as "unseen.losses" that are groups of entry points: values of keywords and constants in the code."""
    return {
        node.value
        for folder in SOURCES
        for path in folder.rglob("*.py")
        if re.search(r"[\"']unseen\.", text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("unseen.")
    }


def packages(path: Path) -> Iterator[str]:
    """Yield the dotted names relative to which a docstring of the file may name a module, nearest first."""
    folder = next(folder for folder in SOURCES if path.is_relative_to(folder))
    parts = path.relative_to(folder).with_suffix("").parts
    yield from (".".join(parts[:end]) + "." for end in range(len(parts), 0, -1))
    yield from ("unseen.", "")


def unknown(text: str, groups: set[str], places: tuple[str, ...] = ()) -> list[str]:
    full = [name for name in FULL.findall(text) if not name.endswith(FILES) and name not in groups]
    of_class = [name for name in CLASS.findall(text) if places and not name.startswith((*NO_MODULES, "unseen"))]
    return [name for name in full if not exists(name)] + [
        name for name in of_class if not any(exists(place + name) for place in places)
    ]


def absent(text: str) -> list[str]:
    """Return the paths of Python files that are neither in the repository nor in a package."""
    folders = (ROOT, *SOURCES, ROOT / "src" / "unseen", ROOT / "server" / "src" / "unseen_server")
    return [name for name in PYTHON_FILE.findall(text) if not any((folder / name).exists() for folder in folders)]


def test_files_that_docstrings_and_pages_name_exist() -> None:
    files = [path for folder in (*SOURCES, ROOT / "studies") for path in folder.rglob("*.py")]
    texts = {path: docstrings(path) for path in files if PYTHON_FILE.search(path.read_text(encoding="utf-8"))}
    texts |= {page: page.read_text(encoding="utf-8") for folder in PAGES_OF_FILES for page in folder.rglob("*.md")}
    assert not {str(path): names for path, text in texts.items() if (names := absent(text))}
    assert absent("`losses/unsure.py`, `studies/gone.py`, `gone.py`") == ["studies/gone.py"]


def test_names_in_docstrings_exist() -> None:
    groups = entry_point_groups()
    paths = [path for folder in SOURCES for path in sorted(folder.rglob("*.py"))]
    found = {
        str(path.relative_to(ROOT)): names
        for path in paths
        if (names := unknown(docstrings(path), groups, tuple(packages(path))))
    }
    assert len(paths) > 500 and not found


def test_names_in_pages_exist() -> None:
    groups = entry_point_groups()
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(page for folder in PAGES for page in folder.rglob("*.md"))]
    assert not {str(page): names for page in pages if (names := unknown(page.read_text(encoding="utf-8"), groups))}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`unseen.physics.Mask(mask)` of `unseen.losses`, a group; `store.studies`, `x.T`", []),
        ("`unseen.physics.Veil`", ["unseen.physics.Veil"]),
        ("`convergence.Solution` and `solution.Solution`", ["convergence.Solution"]),
        ("`solvers.pdhg.Term` and `pathlib.Path`, `solvers.gone.Term`", ["solvers.gone.Term"]),
    ],
)
def test_a_name_that_does_not_exist_is_found(text: str, names: list[str]) -> None:
    assert unknown(text, {"unseen.losses"}, ("unseen.priors.solvers.", "unseen.priors.", "unseen.", "")) == names
