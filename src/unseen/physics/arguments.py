"""The arguments of operators, links and noises: recorded for bundles, and checked.

What an operator, a link or a noise was made from is remembered, so that a bundle can hold it without a pickle.

What an operator is asked for beside its pictures: their size, their channels, how many measurements.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Arguments = tuple[tuple[object, ...], dict[str, object]]


class Recorded:
    """Base of classes whose instances remember the arguments of their `__init__`: those of the class that was called,
    not those that it hands to its own base.

    >>> from unseen.physics import BeerLambert
    >>> made_from(BeerLambert(1e5))
    ((100000.0,), {})
    """

    def __init_subclass__(cls, **keywords: Any) -> None:  # Any: what other bases take
        super().__init_subclass__(**keywords)
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]


def made_from(thing: Recorded) -> Arguments:
    """Positional arguments, and those by name."""
    arguments: Arguments = thing.__dict__.get("_made_from", ((), {}))
    return arguments


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def recorded(self: object, *arguments: object, **named: object) -> None:
        self.__dict__.setdefault("_made_from", (arguments, named))  # past __setattr__, which an operator forbids
        init(self, *arguments, **named)

    return recorded


def both_sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) from one number or both.

    Raises:
        ValueError: not one or two whole numbers above 0.

    Example:
        >>> both_sides(8), both_sides((4, 6))
        ((8, 8), (4, 6))
    """
    sides: tuple[int, ...] = (size, size) if isinstance(size, int) else size
    if len(sides) != 2 or not all(is_count(side) for side in sides):
        raise ValueError(f"A picture's size is one whole number above 0, or (height, width), but got {size}.")
    return sides[0], sides[1]


def check_channels(channels: int) -> None:
    """Raises ValueError unless a picture can have so many channels."""
    if not is_count(channels):
        raise ValueError(f"channels is a whole number above 0, but got {channels}.")


def check_measurements(m: int, pixels: int) -> None:
    """Raises ValueError unless m measurements of so many pixels can be asked for."""
    if not (is_count(m) and m <= pixels):
        raise ValueError(f"m is a whole number from 1 to the {pixels} pixels of the picture, but got {m}.")


def check_rtol(rtol: float) -> None:
    """Raises ValueError unless rtol is a share of the largest singular value."""
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol is a share of the largest singular value, from 0 to below 1, but got {rtol}.")


def is_count(number: object) -> bool:
    """Whether it is a whole number above 0."""
    return isinstance(number, int) and not isinstance(number, bool) and number > 0
