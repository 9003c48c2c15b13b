"""How commands speak: steps announced on stderr, progress in one line, results on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from unseen.artifacts.installation import LIMITS


def step(text: str) -> None:
    """Announce what happens next."""
    typer.secho(f"▸ {text}", err=True, bold=True)


def note(text: str) -> None:
    """A remark on stderr."""
    typer.secho(f"  {text}", err=True)


def limits() -> None:
    """The sentence that stands where results are seen."""
    typer.secho(LIMITS, err=True, dim=True)


def count_progress(what: str) -> Callable[[int], None]:
    """A callback for scoring: how many rows are done, written over on a terminal, silent elsewhere."""
    live = sys.stderr.isatty()

    def report(done: int) -> None:
        if live and done % 10 == 0:
            typer.echo(f"\r\033[K  {what}: {done}", err=True, nl=False)

    return report
