"""Note that each of two people writes when they confirm a decision together."""

from __future__ import annotations

from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_text import checked_text


def needs_note(note: str, *, of: str = "what was looked at, and why clearing may start") -> None:
    """Raise WorklistError for an empty note: what two people do needs a note of each."""
    if not checked_text(note, "The note", most=2000).strip():
        raise WorklistError(f"Write a note: {of}.")
