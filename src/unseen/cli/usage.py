"""`UsageError`: a command that contradicts itself or lacks something; one sentence, exit status 2."""

from __future__ import annotations


class UsageError(ValueError):
    """What is wrong with the command line, and what to give instead."""
