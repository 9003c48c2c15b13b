"""Why a training stopped, as a sentence."""

from __future__ import annotations


class TrainingError(RuntimeError):
    """A training that cannot start or go on: what was wrong, what was seen, what to do."""
