"""Lazy sequences of phantom films: `normals`, `abnormals`, `twins`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from unseen.data.film import Film
from unseen.data.phantoms.drawing import Case, Healthy, draw_film, draw_healthy
from unseen.data.phantoms.lesion_ranges import KINDS

SMALLEST, LARGEST = 64, 1024


class Phantoms(Sequence[Film]):
    """Films that are drawn when asked for and kept nowhere; iterating twice gives the same bytes twice.

    >>> films = normals(2, size=64)
    >>> len(films), films[1].pixels.shape, films[-1].pixel_sha256 == list(films)[1].pixel_sha256
    (2, (64, 64), True)
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = tuple(cases)

    def __len__(self) -> int:
        return len(self.cases)

    @overload
    def __getitem__(self, index: int) -> Film: ...

    @overload
    def __getitem__(self, index: slice) -> Phantoms: ...

    def __getitem__(self, index: int | slice) -> Film | Phantoms:
        if isinstance(index, slice):
            return Phantoms(self.cases[index])
        case = self.cases[index]
        return draw_film(case, draw_healthy(case))

    def __iter__(self) -> Iterator[Film]:
        known: tuple[object, Healthy] | None = None
        for case in self.cases:
            who = (case.seed, case.stream, case.index, case.size)
            if known is None or known[0] != who:
                known = (who, draw_healthy(case))
            yield draw_film(case, known[1])

    def __repr__(self) -> str:
        return f"<{len(self)} phantom films>"


def normals(n: int, *, seed: int = 0, size: int = 256) -> Phantoms:
    """`n` films without a lesion, `size` × `size` pixels (64 to 1024).

    Film i depends on (seed, i) alone: `normals(10)` begins `normals(100)`.
    """
    _check(n, size)
    return Phantoms([Case(seed=seed, stream="normal", index=i, size=size, kind=None) for i in range(n)])


def abnormals(n: int, *, seed: int = 0, size: int = 256, shortcut: bool = False) -> Phantoms:
    """`n` films with a lesion each, kinds in turn; other patients than those of `normals` with the same seed.

    `shortcut=True` plants a shortcut: these films are sharper than normal ones, as from another detector.
    """
    _check(n, size)
    return Phantoms(
        [
            Case(seed=seed, stream="abnormal", index=i, size=size, kind=KINDS[i % len(KINDS)], sharper=shortcut)
            for i in range(n)
        ]
    )


def twins(n: int, *, seed: int = 0, size: int = 256, shortcut: bool = False) -> Phantoms:
    """`n` pairs, so 2·n films: normal, abnormal, normal, abnormal, …; a pair shares its `columns["twin"]`.

    A pair is one patient in one exposure, without and with a lesion; each film has its own noise. `shortcut=True`
    makes the abnormal ones sharper.
    """
    _check(n, size)
    cases: list[Case] = []
    for i in range(n):
        cases.append(Case(seed=seed, stream="twin", index=i, size=size, kind=None))
        kind = KINDS[i % len(KINDS)]
        cases.append(Case(seed=seed, stream="twin", index=i, size=size, kind=kind, sharper=shortcut))
    return Phantoms(cases)


def _check(n: int, size: int) -> None:
    if n < 0:
        raise ValueError(f"n is {n}: a number of films is 0 or more.")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(
            f"size is {size} pixels: phantoms are drawn at {SMALLEST} to {LARGEST}. Resample the films for others."
        )
