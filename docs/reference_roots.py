"""Folders of the importable packages that have reference pages."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOTS = {"unseen": ROOT / "src", "unseen_server": ROOT / "server" / "src"}
"""Import name → folder that contains the package; the library is first, since the server's docstrings link to it."""


def path_of(dotted: str) -> Path:
    """Return the path of a dotted name without a suffix: a folder, or a file less its `.py`.

    >>> path_of("unseen_server.worklist.states").relative_to(ROOT).as_posix()
    'server/src/unseen_server/worklist/states'
    """
    return ROOTS[dotted.partition(".")[0]] / Path(*dotted.split("."))
