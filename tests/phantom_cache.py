"""Cache of small phantom films for tests that draw the same patients again and again.

Film i of `normals`, `abnormals` and `twins` depends on the seed and i alone, so tests with one seed share films,
however many each draws. Each caller gets copies of the arrays. Films of more than `LARGEST` pixels a side are drawn
each time. All tests and doctests have this cache (`conftest.py`), except `tests/phantoms`, which tests that a film is
the same whenever it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from unseen.data.film import Film
from unseen.data.phantoms.sequences import Case, Healthy, Phantoms, draw_film, draw_healthy

LARGEST = 96  # a film of 64 pixels takes 25 kB
_drawn: dict[Case, Film] = {}
_iterate, _get = Phantoms.__iter__, Phantoms.__getitem__


@contextmanager
def kept_phantoms() -> Iterator[None]:
    """Within it, `Phantoms` draws each small film once a process."""
    _keep(True)
    try:
        yield
    finally:
        _keep(False)


@contextmanager
def drawn_anew() -> Iterator[None]:
    """Within it, `Phantoms` draws each film each time, inside `kept_phantoms`, too."""
    _keep(False)
    try:
        yield
    finally:
        _keep(True)


def _keep(kept: bool) -> None:
    Phantoms.__iter__ = _each if kept else _iterate  # type: ignore[method-assign]
    Phantoms.__getitem__ = _one if kept else _get  # type: ignore[method-assign, assignment]


def _each(self: Phantoms) -> Iterator[Film]:
    known: tuple[object, Healthy] | None = None
    for case in self.cases:
        if case not in _drawn:
            who = (case.seed, case.stream, case.index, case.size)
            if known is None or known[0] != who:
                known = (who, draw_healthy(case))
            film = draw_film(case, known[1])
            if case.size > LARGEST:
                yield film
                continue
            _drawn[case] = film
        yield _copy(_drawn[case])


def _one(self: Phantoms, index: int | slice) -> Film | Phantoms:
    if isinstance(index, slice):
        return _get(self, index)
    return next(_each(Phantoms([self.cases[index]])))


def _copy(film: Film) -> Film:
    assert film.lungs is not None and film.lesion is not None
    return replace(
        film,
        pixels=film.pixels.copy(),
        lungs=film.lungs.copy(),
        lesion=film.lesion.copy(),
        columns=dict(film.columns),
    )
