"""Limits of a run: the device, the time between checkpoints, and the time after which every training stops itself.

A machine may be available for some minutes only. Limits are set for a block of code, not in a recipe: they change no
digest, and a training that stopped resumes from its checkpoint, with the same result as without a stop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from unseen.artifacts.errors import UserError
from unseen.training.settings import Training


class RunStopped(UserError, RuntimeError):
    """A training stopped itself at the end of its time, with a checkpoint."""


@dataclass(frozen=True)
class RunLimits:
    """Limits for the trainings within a `limited` block.

    Args:
        device: replaces the device "auto" of a recipe; None: "auto" stays.
        checkpoint_every_s: replaces the recipe's seconds between checkpoints; None: the recipe's.
        stop_after_s: seconds after the start of the block; the step that is running then is the last. None: no limit.

    >>> RunLimits(device="cpu", checkpoint_every_s=60).applied(Training(checkpoint_every_s=900)).checkpoint_every_s
    60.0
    """

    device: str | None = None
    checkpoint_every_s: float | None = None
    stop_after_s: float | None = None

    def applied(self, settings: Training) -> Training:
        """Return the settings of a training under these limits."""
        update: dict[str, object] = {}
        if self.device is not None and settings.device == "auto":
            update["device"] = self.device
        if self.checkpoint_every_s is not None:
            update["checkpoint_every_s"] = self.checkpoint_every_s
        return Training.model_validate(settings.model_dump() | update) if update else settings


_current: ContextVar[tuple[RunLimits, float]] = ContextVar("run limits", default=(RunLimits(), 0.0))


@contextmanager
def limited(limits: RunLimits) -> Iterator[None]:
    """Apply limits to every training of this thread within the block; the time runs from its start."""
    token = _current.set((limits, time.monotonic()))
    try:
        yield
    finally:
        _current.reset(token)


def under_limits(settings: Training) -> Training:
    """Return the settings under the limits of the current block, or as they are outside of any."""
    return _current.get()[0].applied(settings)


def time_is_up() -> bool:
    """Return whether the time of the current block has passed."""
    limits, began = _current.get()
    return limits.stop_after_s is not None and time.monotonic() - began >= limits.stop_after_s
