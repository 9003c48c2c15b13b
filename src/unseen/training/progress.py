"""Progress of a training after each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Progress of a training after a step. ``str(progress)`` is a line to print.

    Args:
        step: batches that are done.
        steps: batches of the whole training.
        epoch: the current one, from 1.
        losses: what the step logged.
        seconds: spent so far.
        remaining_s: seconds to go at this run's pace.

    >>> str(Progress(step=3, steps=9, epoch=1, losses={"loss": 0.5}, seconds=1.0, remaining_s=62.0))
    'step 3/9  epoch 1  loss 0.5  1:02 left'
    """

    step: int
    steps: int
    epoch: int
    losses: Mapping[str, float]
    seconds: float
    remaining_s: float

    def __str__(self) -> str:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in self.losses.items())
        minutes, seconds = divmod(round(self.remaining_s), 60)
        return f"step {self.step}/{self.steps}  epoch {self.epoch}  {losses}  {minutes}:{seconds:02d} left"
