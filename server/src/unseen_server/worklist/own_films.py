"""Films of the site that a model scored, shown next to the images of its generator."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from unseen_server.worklist.comparable_films import is_reference
from unseen_server.worklist.labels import standing
from unseen_server.worklist.reference_scores import normal_films, scored_by
from unseen_server.worklist.tables import films, findings

MOST_OWN = 200
"""More than anybody looks at in one sitting, and read in under a second."""


@dataclass(frozen=True, kw_only=True)
class OwnFilms:
    """Films by name, latest first.

    Args:
        words: whose they are: "of studies that readers reported normal".
    """

    films: tuple[str, ...]
    words: str


def own_films(connection: Connection, model: str, *, enough: int) -> OwnFilms:
    """Return the latest `MOST` films that `model` scored: of studies reported normal where there are `enough`, for that
    is what generators learn from; else whatever nobody reported abnormal.
    """
    normal = normal_films(films.c.public_id, conditions=[scored_by(model)]).order_by(films.c.id.desc()).limit(MOST_OWN)
    found = tuple(connection.execute(normal).scalars())
    if len(found) >= enough:
        return OwnFilms(films=found, words="of studies that readers reported normal")
    abnormal = standing("abnormal", hasty=True).subquery()
    others = (
        select(films.c.public_id)
        .select_from(findings)
        .join(films, films.c.id == findings.c.film_id)
        .where(findings.c.model == model, findings.c.score.is_not(None), is_reference())
        .where(films.c.study_id.not_in(select(abnormal.c.study_id)))
        .order_by(findings.c.id.desc())
        .limit(MOST_OWN)
    )
    return OwnFilms(
        films=tuple(connection.execute(others).scalars()),
        words=f"that nobody reported abnormal, whatever they show: readers have reported fewer than {enough} normal",
    )
