"""Films as they are read from a disk, one after the other, with a watch over how many are in memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from unseen.data.film import Film


class ReadOnce:
    """An iterator over films whose pixels nobody else holds, `times` as large.

    Args:
        most: of them alive at once, so far; 2 where one is in memory at a time: the one that was read, and the one
            before.
    """

    def __init__(self, films: Sequence[Film], *, times: int = 1) -> None:
        self._films, self._times = iter(films), times
        self._alive: list[weakref.ref[object]] = []
        self.most = 0

    def __iter__(self) -> Iterator[Film]:
        return self

    def __next__(self) -> Film:
        film = next(self._films)
        pixels = np.kron(film.pixels, np.ones((self._times, self._times), dtype=np.float32))
        self._alive.append(weakref.ref(pixels))
        self.most = max(self.most, sum(one() is not None for one in self._alive))
        return replace(film, pixels=pixels)
