"""What the laws are written with: each failure is an AssertionError whose sentence names the law."""

from collections.abc import Callable
from typing import Any

from torch import Tensor


def holds(law: bool, words: str) -> None:
    if not law:
        raise AssertionError(words)


def close(found: Tensor, expected: Tensor, tolerance: float, words: str) -> None:
    far = float((found - expected).detach().abs().max()) if found.numel() else 0.0
    holds(far <= tolerance, f"{words} (by {far:.1e}; {tolerance:.1e} is allowed)")


def refuses(kind: type[Exception], call: Callable[[], Any], words: str) -> None:  # Any: whatever it gives back
    try:
        call()
    except kind:
        return
    raise AssertionError(words)
