"""Display of a training's progress.

On a terminal it is one line, written over; elsewhere a line now and then, and one at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from unseen.artifacts.live_progress import in_notebook
from unseen.artifacts.number_words import number_of

if TYPE_CHECKING:
    from unseen.training.progress import Progress

EVERY_S = 10.0
"""Seconds between two lines of progress where there is no terminal."""


def shown_on(stream: TextIO | None = None, *, silent_off_terminal: bool = False) -> Callable[[str, Progress], None]:
    """Return a callback for `fit`: what is trained and how far it is, on `stream` (standard error by default).

    Args:
        stream: where the line is written; None: standard error.
        silent_off_terminal: say nothing where the stream is no terminal; else a line every `EVERY_S` seconds, and one
            when a training has ended.

    >>> from unseen.training import Progress
    >>> import io
    >>> stream = io.StringIO()
    >>> shown_on(stream)("pca", Progress(step=9, steps=9, epoch=1, losses={}, seconds=2.0, remaining_s=0.0))
    >>> stream.getvalue()
    '  pca: 9 steps in 2 s\\n'
    """
    stream = sys.stderr if stream is None else stream
    live = stream.isatty() or (stream is sys.stderr and in_notebook())
    spoke = time.monotonic()

    def report(name: str, state: Progress) -> None:
        nonlocal spoke
        last = state.step == state.steps
        if live:
            stream.write(f"\r\033[K  {name}: {state}" + ("\n" if last else ""))
            stream.flush()
        elif last and not silent_off_terminal:
            stream.write(f"  {name}: {number_of(state.steps, state.unit)} in {state.seconds:.0f} s\n")
        elif not silent_off_terminal and time.monotonic() - spoke >= EVERY_S:
            spoke = time.monotonic()
            stream.write(f"  {name}: {state}\n")
            stream.flush()

    return report
