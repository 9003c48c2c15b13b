"""Films of a calibration: which of the labelled films count, and warnings about the films that do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unseen.artifacts.number_words import number_of, verb_of
from unseen.data.film import Film, Label, NotRead, one_line
from unseen.data.patient_links import linked_patients, training_patients
from unseen.screening.policy import PolicyError

if TYPE_CHECKING:
    from unseen.data.manifest import Entry

SELECTED_BY_POLICY = "selected_by_policy"
"""Column of a manifest: not empty for a film of a study that was read because of its score (`unseen export`)."""


def refuse_selected(films: Iterable[Entry | Film]) -> None:
    """Raise PolicyError if films are of studies that were read because of their scores.

    Args:
        films: films or rows of a manifest.

    Example:
        >>> refuse_selected([])
    """
    if number := sum(bool(film.columns.get(SELECTED_BY_POLICY, "").strip()) for film in films):
        raise PolicyError(
            f"{number_of(number, 'film')} {verb_of(number, 'is')} of studies that were read because of their scores "
            f"(column `{SELECTED_BY_POLICY}`). Abnormal studies with low scores are missing among them, so the "
            "guarantee would not hold. Export again without --with-selected"
        )


class CalibrationFilms:
    """Labelled films that a model was not trained on, in their order.

    Iterate once, then ask for the warnings.

    Args:
        films: films of a site, with and without labels.
        training_films: pixel digests of the films that the model was trained on.
        progress: called with the number of films done, after each film.

    Example:
        >>> from unseen.data import phantoms
        >>> first, *others = phantoms.normals(3, seed=1, size=64)
        >>> films = CalibrationFilms([first, *others], frozenset([first.pixel_sha256]))
        >>> len(list(films)), next(films.warnings())[:24]
        (2, '1 normal film left out: ')
    """

    def __init__(
        self,
        films: Iterable[Film | NotRead],
        training_films: frozenset[str],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._films, self._training_films, self._progress = films, training_films, progress
        self._trained_on: Counter[str] = Counter()  # films left out, by label
        self._unlabelled = 0
        self._copies = Copies()
        self._known: set[tuple[str, str]] = set()  # patient and pixels

    def __iter__(self) -> Iterator[Film | NotRead]:
        for done, film in enumerate(self._films, start=1):
            trained_on = isinstance(film, Film) and film.pixel_sha256 in self._training_films
            if isinstance(film, Film):
                refuse_selected([film])
                self._known.add((film.patient, film.pixel_sha256))
            if film.label is None:
                self._unlabelled += 1
            elif trained_on:
                self._trained_on[film.label] += 1
            else:
                if isinstance(film, Film):
                    self._copies.add(film)
                yield film
            if self._progress is not None:
                self._progress(done)

    @property
    def taught(self) -> frozenset[str]:
        """Patients of films on which the model was trained, also by copies of films under other names."""
        return training_patients(sorted(self._known), self._training_films)

    @property
    def persons(self) -> dict[str, str]:
        """By each patient one name for all who share films with it, whether or not the films count."""
        return linked_patients(sorted(one for one in self._known if one[0]))

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each reason why films were left out, and for copies among the films that count."""
        for label, count in self._trained_on.items():
            films = "it" if count == 1 else "them"
            yield (
                f"{number_of(count, f'{label} film')} left out: the model was trained on {films}. Hold {label} films "
                "back from the training for the calibration"
            )
        if self._unlabelled:
            yield f"{number_of(self._unlabelled, 'film')} without a label left out"
        yield from self._copies.warnings()


@dataclass
class Copies:
    """Labelled films with the pixels of an earlier film, under the same name or another.

    Example:
        >>> from unseen.data import phantoms
        >>> [film] = phantoms.normals(1, seed=1, size=64)
        >>> copies = Copies()
        >>> copies.add(film), copies.add(film), list(copies.warnings())
        (False, True, ['1 film is listed more than once, such as phantom-normal-1-0-normal.png: a film counts once'])
    """

    first: dict[str, tuple[str, Label | None]] = field(default_factory=dict)
    """Name and label of the first film with each pixel digest."""
    count: int = 0
    pair: tuple[str, str] | None = None
    repeated: Counter[str] = field(default_factory=Counter)
    """Films that are listed again under the same name, by their name."""
    contradicted: int = 0
    contradiction: tuple[str, str] | None = None

    def add(self, film: Film) -> bool:
        """Return whether an earlier film has the same pixels."""
        known = film.pixel_sha256 in self.first
        name, label = self.first.setdefault(film.pixel_sha256, (film.name, film.label))
        if label != film.label:
            self.contradicted += 1
            self.contradiction = self.contradiction or (name, film.name)
        elif name != film.name:
            self.count += 1
            self.pair = self.pair or (name, film.name)
        elif known:
            self.repeated[name] += 1
        return known

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for films that are listed again, for copies of one label, and for copies of both labels."""
        if self.repeated:
            yield (
                f"{number_of(len(self.repeated), 'film', 'is')} listed more than once, such as "
                f"{one_line(next(iter(self.repeated)))}: a film counts once"
            )
        if self.pair is not None:
            films = "film is a copy of another" if self.count == 1 else "films are copies of others"
            yield (
                f"{self.count} {films} under another name, by the pixels, such as {_named(self.pair)}: copies "
                "count as one patient"
            )
        if self.contradiction is not None:
            yield (
                f"{number_of(self.contradicted, 'film', 'is')} labelled normal and abnormal, by the pixels, such as "
                f"{_named(self.contradiction)}. Correct the labels"
            )


def _named(pair: tuple[str, str]) -> str:
    return " and ".join(map(one_line, dict.fromkeys(pair)))
