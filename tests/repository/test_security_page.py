"""SECURITY.md promises only what a test verifies: each promise names tests, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "SECURITY.md"
NAMED = re.compile(r"`((?:server/|models/)?tests/[^`]*)`")


def scope(text: str) -> list[str]:
    """Return the lines of the section of promises, without headings and empty ones."""
    (section,) = re.findall(r"^## In scope\n(.*?)^## ", text, flags=re.MULTILINE | re.DOTALL)
    return [line for line in section.splitlines() if line and not line.startswith("### ")]


def mistakes(text: str, root: Path = ROOT) -> list[str]:
    """Mistakes in the promises of a page, a line each."""
    found = []
    first, *promises = scope(text)
    if first.startswith("- "):
        promises.insert(0, first)
    for line in promises:
        if not line.startswith("- "):
            found.append(f"no promise: {line}")
            continue
        named = NAMED.findall(line)
        if not named or not re.search(r"\(`[^()]*`\)(\.| )", line):
            found.append(f"names no test: {line}")
        for sentence in re.split(r"(?<=\)\.) ", line.removeprefix("- ")):
            if not NAMED.search(sentence) and not sentence.startswith("Parquet"):
                found.append(f"names no test: {sentence}")
        for name in named:
            path, _, function = name.partition("::")
            file = root / path
            if not (file.is_file() and file.name.startswith("test_") and file.suffix == ".py"):
                found.append(f"is no file of tests: {path}")
            elif function and function not in functions(file):
                found.append(f"has no test {function}: {path}")
            elif not function and not functions(file):
                found.append(f"has no test: {path}")
    return found


def functions(file: Path) -> set[str]:
    """Return the tests of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_promise_of_the_security_page_names_tests_that_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert mistakes(text) == []
    assert len(scope(text)) > 25


@pytest.mark.parametrize(
    ("promise", "mistake"),
    [
        ("- Nothing happens.", "names no test"),
        ("- Nothing happens (`tests/repository/test_absent.py`).", "is no file of tests"),
        ("- Nothing happens (`tests/repository/words.py`).", "is no file of tests"),
        ("- Nothing happens (`tests/repository/test_pins.py::test_absent`).", "has no test test_absent"),
        ("- One thing (`tests/repository/test_pins.py`). Another thing.", "names no test: Another"),
        ("| A | table |", "no promise"),
    ],
)
def test_a_promise_without_a_test_is_found(promise: str, mistake: str) -> None:
    (found, *_) = mistakes(f"## In scope\n\nEach line.\n\n{promise}\n\n## Out of scope\n")
    assert mistake in found
