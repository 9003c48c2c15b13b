"""A training's progress as a person sees it: one line on the terminal, written over; elsewhere one line at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from unseen.training.loop import Progress


def shown_on(stream: TextIO | None = None, *, silent_off_terminal: bool = False) -> Callable[[str, Progress], None]:
    """A callback for `fit`: what is trained and how far it is, on `stream` (standard error by default).

    silent_off_terminal  say nothing where the stream is no terminal; else one line when a training has ended

    >>> from unseen.training import Progress
    >>> import io
    >>> stream = io.StringIO()
    >>> shown_on(stream)("pca", Progress(step=9, steps=9, epoch=1, losses={}, seconds=2.0, remaining_s=0.0))
    >>> stream.getvalue()
    '  pca: 9 steps in 2 s\\n'
    """
    stream = sys.stderr if stream is None else stream
    live = stream.isatty()

    def report(name: str, state: Progress) -> None:
        last = state.step == state.steps
        if live:
            stream.write(f"\r\033[K  {name}: {state}" + ("\n" if last else ""))
            stream.flush()
        elif last and not silent_off_terminal:
            stream.write(f"  {name}: {state.steps} steps in {state.seconds:.0f} s\n")

    return report
