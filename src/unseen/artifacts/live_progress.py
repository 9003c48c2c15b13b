"""Progress of `Detector.score` in one line, in terminals and notebooks; commands print theirs by `cli/console.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


def is_live() -> bool:
    """Return whether a line on standard error can be written over: in a terminal, and in a notebook.

    Example:
        >>> is_live() in (True, False)
        True
    """
    return sys.stderr.isatty() or in_notebook()


def in_notebook() -> bool:
    """Return whether the program runs in the kernel of a notebook.

    Example:
        >>> in_notebook()
        False
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def counted(items: Iterable[_Item], *, total: int, what: str) -> Iterator[_Item]:
    """Pass items on, and show their number in one line where it can be written over.

    Args:
        items: anything that can be gone through.
        total: the number of items.
        what: the work, such as "scored".

    Yields:
        The items.

    Example:
        >>> list(counted("ab", total=2, what="scored"))
        ['a', 'b']
    """
    show: Callable[[str], object] = sys.stderr.write if is_live() else lambda text: None
    for done, item in enumerate(items, start=1):
        yield item
        show(f"\r  {what}: {done} of {total}" + ("\n" if done == total else ""))
