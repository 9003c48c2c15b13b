"""First lines of docstrings: the search finds clauses and genitives, and nothing else."""

from __future__ import annotations

import pytest

from tests.repository.first_lines import found


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
