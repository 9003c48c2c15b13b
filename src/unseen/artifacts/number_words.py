"""Counts in sentences: the number with its noun and verb, singular or plural."""

from __future__ import annotations

from typing import Final

_PLURAL_VERBS: Final = {"is": "are", "was": "were", "has": "have", "does": "do"}


def number_of(count: int, noun: str, verb: str = "") -> str:
    """Write a count with its noun, and with a verb that agrees.

    Args:
        count: the number.
        noun: the noun in the singular, such as "film" or "abnormal study".
        verb: "is", "was", "has" or "does"; "": none.

    Returns:
        The words, such as "1 film is" or "2,400 films are".

    Example:
        >>> number_of(1, "film"), number_of(2400, "abnormal study", "is")
        ('1 film', '2,400 abnormal studies are')
    """
    noun = noun if count == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun} {verb_of(count, verb)}".rstrip()


def verb_of(count: int, verb: str) -> str:
    """Return a verb that agrees with a count.

    Args:
        count: the number.
        verb: "is", "was", "has" or "does".

    Returns:
        The verb, singular or plural.

    Example:
        >>> verb_of(1, "is"), verb_of(0, "is")
        ('is', 'are')
    """
    return verb if count == 1 else _PLURAL_VERBS.get(verb, verb)
