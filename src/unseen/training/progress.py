"""Progress of a training after each step, and of other long work after each item."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Progress:
    """Progress of a training after a step. ``str(progress)`` is a line to print.

    Args:
        step: batches, or other items, that are done.
        steps: number of them in the whole work.
        epoch: the current one, from 1; 0 where the work has no epochs.
        losses: what the step logged.
        seconds: spent so far.
        remaining_s: seconds to go at this run's pace.
        unit: name of one item, such as "step" or "film".

    >>> str(Progress(step=3, steps=9, epoch=1, losses={"loss": 0.5}, seconds=1.0, remaining_s=62.0))
    'step 3/9  epoch 1  loss 0.5  1:02 left'
    """

    step: int
    steps: int
    epoch: int
    losses: Mapping[str, float]
    seconds: float
    remaining_s: float
    unit: str = "step"

    def __str__(self) -> str:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in self.losses.items())
        minutes, seconds = divmod(round(self.remaining_s), 60)
        epoch = f"epoch {self.epoch}" if self.epoch else ""
        left = f"{minutes}:{seconds:02d} left"
        return "  ".join(filter(None, (f"{self.unit} {self.step}/{self.steps}", epoch, losses, left)))


def reported(
    items: Iterable[Item], name: str, progress: Callable[[str, Progress], None] | None, *, unit: str = "film"
) -> Iterable[Item]:
    """Return the items, with `progress` called after each; as they are where their number is unknown.

    Args:
        items: anything that can be gone through, such as films that are read.
        name: the work, such as "reading films".
        progress: called with the name and how far the work is; None: it is not reported.
        unit: name of one item.

    Example:
        >>> list(reported("ab", "reading", lambda name, state: print(name, state.step, "of", state.steps)))
        reading 1 of 2
        reading 2 of 2
        ['a', 'b']
    """
    if progress is None or not isinstance(items, Sized):
        return items
    return _reported(items, len(items), name, progress, unit)


def _reported(
    items: Iterable[Item], steps: int, name: str, progress: Callable[[str, Progress], None], unit: str
) -> Iterator[Item]:
    began = time.monotonic()
    for step, item in enumerate(items, start=1):
        yield item
        seconds = time.monotonic() - began
        remaining = seconds / step * (steps - step)
        state = Progress(step=step, steps=steps, epoch=0, losses={}, seconds=seconds, remaining_s=remaining, unit=unit)
        progress(name, state)
