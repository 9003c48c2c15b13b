"""No text contains a word that docs/words.md replaces; the search finds such words in texts and not in code."""

from __future__ import annotations

import pytest

from tests.repository.words import DICTIONARY, found, places, sentences, without_code, words


@pytest.mark.nightly  # `make lint`, a part of `make test`, searches, too
def test_no_text_contains_a_word_that_the_dictionary_replaces() -> None:
    assert not places()


def test_the_dictionary_is_read_from_its_page() -> None:
    wanted = words(DICTIONARY.read_text(encoding="utf-8"))
    assert {"picture", "nought", "told", "learnt at one place", "made-up", "goes on"} <= set(wanted)
    assert "Searched" not in wanted and "" not in wanted


def test_whole_words_are_found_in_any_case_and_over_a_line_break() -> None:
    text = "Pictures, and a picture.\nIt goes\non. Pictured, twins-like."
    assert list(found(text, ["picture", "pictures", "goes on", "twins"])) == [
        (1, "pictures"), (1, "picture"), (2, "goes on")
    ]  # fmt: skip


def test_code_is_not_searched_and_line_numbers_are_kept() -> None:
    text = "a\n```python\npicture = 1\n```\nuse `picture`, not\na picture\n"
    assert list(found(without_code(text), ["picture"])) == [(6, "picture")]


def test_sentences_of_the_source_are_searched_and_names_are_not() -> None:
    source = '"""A picture of it."""\nkey = "picture"\nraise ValueError(f"{key}: no picture of {key}")\n# a picture\n'
    assert [(line, text) for line, text in sentences(source)] == [
        (1, "A picture of it."),
        (3, "…: no picture of …"),
    ]


def test_doctests_and_sql_are_code() -> None:
    docstring = '"""A shelf.\n\n    >>> f(shelf=1)\n    a shelf\n\n    A room.\n    """\n'
    source = docstring + 'text("shelf = 1")\nsaid("a shelf of")\n'
    texts = [(first, line, word) for first, text in sentences(source) for line, word in found(text, ["shelf", "room"])]
    stand = [(first + line - 1, word) for first, line, word in texts]
    assert stand == [(1, "shelf"), (6, "room"), (9, "shelf")]
