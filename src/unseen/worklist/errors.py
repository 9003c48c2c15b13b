"""What the worklist refuses, and why: each exception's message is a sentence for the person who asked."""

from __future__ import annotations


class WorklistError(RuntimeError):
    """The worklist cannot do what was asked; the message says what was wrong, what was seen, what to do."""


class NotFoundError(WorklistError):
    """There is no such study, film or account."""


class NotAllowedError(WorklistError):
    """The study's state, or another reader's claim, stands against it."""


class BusyError(WorklistError):
    """The database is locked, or cannot be reached; nothing was changed, and trying again is safe."""


class NoRoomError(WorklistError):
    """The disk or the database is full; nothing was stored."""


class TooLargeError(WorklistError):
    """More bytes than a film may have; nothing was stored."""
