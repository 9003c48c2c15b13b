"""Two-person rule: one person proposes a decision, another one confirms it, and each writes a note.

It holds for policies (`activation`), drift alarms (`drift_alarms`) and reopened studies (`reopening`). Each of these
modules keeps who was the first person; that both are leads or admins is checked by the routes of the same names.
"""

from __future__ import annotations

from unseen_server.worklist.states import NotAllowedError, WorklistError
from unseen_server.worklist.stored_text import checked_text


def needs_note(note: str, *, of: str = "what was looked at, and why clearing may start") -> None:
    """Raise WorklistError for an empty note: what two people do needs a note of each."""
    if not checked_text(note, "The note", most=2000).strip():
        raise WorklistError(f"Write a note: {of}.")


def needs_another(actor: str, *, first: str, sentence: str) -> None:
    """Raise NotAllowedError with `sentence` when the first person tries to be the second one, too.

    >>> needs_another("ben", first="ada", sentence="ada has proposed this.")
    """
    if actor == first:
        raise NotAllowedError(sentence)
