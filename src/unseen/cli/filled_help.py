"""Paragraphs of help texts as single lines, which the terminal's width breaks.

Typer keeps the line breaks of a docstring after its first paragraph, so that on a narrower terminal every second line
is short.
"""

from __future__ import annotations

import inspect
from typing import Any


def fill_help(command: Any) -> None:  # Any: Typer has its own copy of Click in private
    """Join the lines of each paragraph in the help of a command, and of all commands below it.

    Args:
        command: a command or group of Click.
    """
    if command.help:
        command.help = joined(command.help)
    for below in getattr(command, "commands", {}).values():
        fill_help(below)


def joined(text: str) -> str:
    r"""Return a text whose paragraphs have one line each; those with indented lines, such as examples, stay.

    Example:
        >>> joined("Score films.\n\nA film is\nscored once.\n\n  unseen score a\n  unseen score b")
        'Score films.\n\nA film is scored once.\n\n  unseen score a\n  unseen score b'
    """
    paragraphs = [part.splitlines() for part in inspect.cleandoc(text).split("\n\n")]
    return "\n\n".join(
        ("\n" if any(line.startswith(" ") for line in lines) else " ").join(lines) for lines in paragraphs
    )
