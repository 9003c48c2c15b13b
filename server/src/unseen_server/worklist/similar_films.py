"""Films that look alike: a film's appearance in a few bytes, its nearest normals, the site's own films.

How a film looks, in a few bytes: by which films that look alike are found, and scores are held against what has
nothing to do with disease.

Made by the worker, which has the pixels; kept in the film's row.

Films that look most like one film, among those of studies that readers reported normal.

distance = sqrt(mean((a − b)²)),   a, b the films' looks (`appearance`), 0 to 1

Films of the site that a model scored, shown beside the images of its generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, select

from unseen.data import area
from unseen.evaluation import trivial_statistics
from unseen_server.worklist.labels import normal_films, standing
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.references import is_reference
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.tables import films, findings, studies

if TYPE_CHECKING:
    from unseen.data import Film
    from unseen.detectors import Finding

SIDE = 16
"""Of a look, in pixels: the ribs are gone, and the shape of lungs, heart and shadows is left."""


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """How a film looks.

    look        SIDE × SIDE bytes, rows from above: the lungs' box (the film where no lungs were found) by area, its
                own darkest 0 and its own brightest 255
    statistics  those of `evaluation.shortcuts` that the film has, by name
    """

    look: bytes
    statistics: dict[str, float]


def appearance_of(film: Film, findings: Sequence[Finding]) -> Appearance:
    """How `film` looks; the lungs are those of the first of `findings` that has any."""
    height, width = film.pixels.shape
    whole = (0.0, 0.0, float(height), float(width))
    views = [finding.viewed for finding in findings if finding.viewed.lung_area]
    box = next((viewed.box for viewed in views if viewed.box != whole), whole)
    small = area(film.pixels, SIDE, SIDE, box=box)
    low, high = float(small.min()), float(small.max())
    stretched = (small - low) / max(high - low, 1e-6)
    statistics = trivial_statistics(film, lung_area=views[0].lung_area if views else None)
    return Appearance(
        look=np.asarray(stretched * 255 + 0.5, dtype=np.uint8).tobytes(),
        statistics={name: value for name, value in statistics.items() if value is not None},
    )


MOST = 100


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A film that looks alike.

    >>> Neighbour(film="film-1", study="study-1", distance=0.1).distance
    0.1

    film      its name
    study     its study

    distance  root mean square difference of the two looks, 0 (the same) to 1
    """

    film: str
    study: str
    distance: float


def nearest(connection: Connection, film: str, *, count: int) -> list[Neighbour]:
    """See `Store.nearest`."""
    if not 1 <= count <= MOST:
        raise WorklistError(f"{count} neighbours cannot be had. Ask for 1 to {MOST}.")
    wanted = find_film(connection, film)
    if wanted.look is None:
        raise NotFoundError(
            "Nothing is known of how this film looks: no worker has read it yet, it cannot be read, or an earlier "
            "version of unseen did."
        )
    query = normal_films(films.c.id, films.c.look).where(films.c.look.is_not(None), films.c.study_id != wanted.study_id)
    rows = connection.execute(query).all()
    if not rows:
        return []
    every = np.frombuffer(b"".join(row.look for row in rows), dtype=np.uint8)
    looks = every.reshape(len(rows), SIDE * SIDE).astype(np.float32) / 255  # (films, SIDE · SIDE)
    own = np.frombuffer(wanted.look, dtype=np.uint8).astype(np.float32) / 255
    distances = np.sqrt(((looks - own) ** 2).mean(axis=1))
    best = np.argsort(distances, kind="stable")[:count]
    numbers = [rows[int(place)].id for place in best]
    named = select(films.c.id, films.c.public_id, studies.c.public_id.label("study")).join(
        studies, studies.c.id == films.c.study_id
    )
    names = {row.id: row for row in connection.execute(named.where(films.c.id.in_(numbers)))}
    return [
        Neighbour(film=names[number].public_id, study=names[number].study, distance=float(distances[place]))
        for number, place in zip(numbers, best, strict=True)
    ]


MOST_OWN = 200
"""More than anybody looks at in one sitting, and read in under a second."""


@dataclass(frozen=True, kw_only=True)
class OwnFilms:
    """Films by name, latest first.

    words  whose they are: "of studies that readers reported normal"
    """

    films: tuple[str, ...]
    words: str


def own_films(connection: Connection, model: str, *, enough: int) -> OwnFilms:
    """The latest `MOST` films that `model` scored: of studies reported normal where there are `enough`, for that is
    what generators learn from; else whatever nobody reported abnormal.
    """
    scored = (findings.c.film_id == films.c.id) & (findings.c.model == model) & findings.c.score.is_not(None)
    normal = normal_films(films.c.public_id).join(findings, scored).order_by(films.c.id.desc()).limit(MOST_OWN)
    found = tuple(connection.execute(normal).scalars())
    if len(found) >= enough:
        return OwnFilms(films=found, words="of studies that readers reported normal")
    abnormal = standing("abnormal", hasty=True).subquery()
    others = (
        select(films.c.public_id)
        .select_from(findings)
        .join(films, scored)
        .where(films.c.study_id.not_in(select(abnormal.c.study_id)), is_reference())
        .order_by(findings.c.id.desc())
        .limit(MOST_OWN)
    )
    return OwnFilms(
        films=tuple(connection.execute(others).scalars()),
        words=f"that nobody reported abnormal, whatever they show: readers have reported fewer than {enough} normal",
    )
