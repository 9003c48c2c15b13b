"""First lines of docstrings: the search finds clauses and genitives, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.first_lines import ROOT, found


@pytest.mark.parametrize("first", ["What there is.", "Whether it is done.", "Of a film: its size.", "How it ran."])
def test_a_clause_is_found_wherever_the_docstring_is(first: str) -> None:
    assert list(found(f'"""{first}"""\n')) == [(1, first)]
    assert list(found(f'class C:\n    """{first}"""\n')) == [(1, first)]
    assert list(found(f'class C:\n    def f(self):\n        """{first}\n\n        More.\n        """\n')) == [
        (2, first)
    ]


@pytest.mark.parametrize("first", ["Return what is left.", "Offset of a film.", "Asset list.", "Howell's rule."])
def test_a_verb_or_a_noun_is_not_found(first: str) -> None:
    assert not list(found(f'def f():\n    """{first}"""\n'))


@pytest.mark.parametrize("first", ["One row per film.", "Why it failed.", "For the card.", "Nothing to do."])
def test_a_pronoun_is_found_at_functions_alone(first: str) -> None:
    assert list(found(f'def f():\n    """{first}"""\n')) == [(1, first)]
    assert not list(found(f'class C:\n    """{first}"""\n    @property\n    def p(self):\n        """{first}"""\n'))


@pytest.mark.parametrize(
    ("path", "rejected"),
    [("src/unseen/a.py", True), ("server/src/unseen_server/web/a.py", True), ("tests/physics/test_a.py", False)],
)
def test_ruff_demands_a_verb_in_the_imperative_outside_of_tests(path: str, rejected: bool) -> None:
    source = '"""A module."""\n\n\ndef number() -> int:\n    """The number."""\n    return 1\n'
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--no-cache", "--output-format=concise", "--stdin-filename", path, "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
    )
    assert ("D401" in done.stdout) is rejected, done.stdout + done.stderr
