"""Ways of doing the same with each film, in turns, so that load and warm caches favour none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from unseen.data.film import Film

Given = TypeVar("Given")


def in_turns(
    ways: Mapping[str, Callable[[Film], Given]], films: Iterable[Film]
) -> tuple[dict[str, list[float]], dict[str, list[Given]]]:
    """Seconds of each way for each film but the first, which warms up, and what each way gave for every film.

    Each way begins every other time where there are two.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    given: dict[str, list[Given]] = {name: [] for name in ways}
    for place, film in enumerate(films):
        for name in list(ways)[:: 1 if place % 2 else -1]:
            began = time.perf_counter()
            given[name].append(ways[name](film))
            if place > 0:
                seconds[name].append(time.perf_counter() - began)
    return seconds, given
