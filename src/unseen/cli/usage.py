"""`UsageError`: a command that contradicts itself or lacks something; one sentence, exit status 2."""

from __future__ import annotations

from unseen.artifacts.errors import UserError


class UsageError(UserError, ValueError):
    """What is wrong with the command line, and what to give instead."""
