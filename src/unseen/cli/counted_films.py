"""Films of a command: the unread ones are counted, printed at the end, and end the command with status 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unseen.data.film import Film, NotRead
    from unseen.data.reading import Films

SHOWN = 3
"""Unread films whose reasons are printed."""


class CountedFilms:
    """Films that count their unread ones, each once, however often they are iterated over.

    Args:
        films: the films of the command.

    Example:
        >>> from unseen.data import films
        >>> counted = CountedFilms(films(["no-such-film.png"]))
        >>> [type(film).__name__ for film in counted], len(counted.unread)
        (['NotRead'], 1)
    """

    def __init__(self, films: Films) -> None:
        self._films = films
        self.unread: dict[int, NotRead] = {}
        """Unread films by their place."""

    def __len__(self) -> int:
        return len(self._films)

    def __iter__(self) -> Iterator[Film | NotRead]:
        from unseen.data.film import NotRead

        for place, film in enumerate(self._films):
            if isinstance(film, NotRead):
                self.unread[place] = film
            yield film

    def end(self, *, reasons: bool = True) -> typer.Exit:
        """Print how many films were not read and the sentence `LIMITS`; return the end of the command.

        Args:
            reasons: whether to print the reasons of the first of them; False: the library has.

        Returns:
            Exit with status 1 if films were not read, else 0.
        """
        console.result(None, not_read=len(self.unread))
        self.note_unread(reasons=reasons)
        console.limits()
        return typer.Exit(1 if self.unread else 0)

    def note_unread(self, *, reasons: bool = True) -> None:
        """Print how many films were not read; arguments are those of `end`."""
        from unseen.data.film import one_line

        for film in list(self.unread.values())[: SHOWN if reasons else 0]:
            console.note(f"not read: {one_line(film.name)}: {film.reason}")
        if self.unread:
            console.note(f"{number_of(len(self.unread), 'film')} left out, not read")
