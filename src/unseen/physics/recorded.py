"""What an operator, a link or a noise was made from is remembered, so that a bundle can hold it without a pickle."""

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
