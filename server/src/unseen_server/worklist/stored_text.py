"""Text that every database can store: check a person's, clean a file's."""

from __future__ import annotations

import re

from unseen_server.worklist.states import WorklistError

_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # zero, and halves of pairs: no database holds them


def checked_text(text: str, what: str, *, most: int) -> str:
    """Return `text` unchanged if a database can store it.

    Raises:
        WorklistError: more than `most` characters, or characters that are no text.

    >>> checked_text("<b>'; --", "The note", most=100)
    "<b>'; --"
    """
    if len(text) > most:
        raise WorklistError(f"{what} has {len(text)} characters, the limit is {most}. Shorten it.")
    if _NO_TEXT.search(text):
        raise WorklistError(f"{what} holds characters that are no text (zero, or half of a pair). Write it again.")
    return text


def clean(text: str) -> str:
    """Replace characters that no database can store by U+FFFD.

    >>> clean("PA" + chr(0)) == "PA" + chr(0xFFFD)
    True
    """
    return _NO_TEXT.sub("\ufffd", text)
