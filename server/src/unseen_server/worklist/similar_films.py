"""Films that look most like one film, among the films of studies that readers reported normal.

distance = sqrt(mean((a − b)²)),   a, b the appearances of the films, 0 to 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from sqlalchemy import Connection, select

from unseen_server.worklist.appearance import SIDE
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.reference_scores import normal_films
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.tables import films, studies

MOST = 100


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Film with a similar appearance.

    >>> Neighbour(film="film-1", study="study-1", distance=0.1).distance
    0.1

    Attributes:
        film: public name of the film.
        study: public name of its study.
    """

    film: str
    study: str
    distance: Annotated[float, Field(description="between small copies of the lungs' boxes, 0 (the same) to 1")]


def nearest(connection: Connection, film: str, *, count: int) -> list[Neighbour]:
    """Return the most similar films; see `Findings.nearest`."""
    if not 1 <= count <= MOST:
        raise WorklistError(f"{count} neighbours cannot be had. Ask for 1 to {MOST}.")
    wanted = find_film(connection, film)
    if wanted.look is None:
        raise NotFoundError(
            "Nothing is known of how this film looks: no worker has read it yet, it cannot be read, or an earlier "
            "version of unseen did."
        )
    others = (films.c.look.is_not(None), films.c.study_id != wanted.study_id)
    rows = connection.execute(normal_films(films.c.id, films.c.look, conditions=others)).all()
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
