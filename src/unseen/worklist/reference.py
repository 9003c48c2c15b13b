"""What a model's scores usually are here: those of films that readers reported normal. A score is placed among them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from unseen.worklist.outcomes import normal_films
from unseen.worklist.tables import films, findings

FEWEST = 20
"""Scores of reported normals below which a percentile among them would say little."""
_LAST = 1000  # films that stand in for them
_AMONG = 5000  # films among which those of a source are looked for


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Scores to compare with.

    scores  rising; in the model's own unit
    words   whose they are: "212 films of studies that readers reported normal, all sources"
    """

    scores: tuple[float, ...] = field(repr=False)
    words: str


def reference(connection: Connection, model: str, *, source: str | None) -> Reference:
    """See `Store.reference`."""
    where = "all sources" if source is None else f"source {source}"
    query = normal_films(findings.c.score).join(
        findings, (findings.c.film_id == films.c.id) & (findings.c.model == model)
    )
    query = query.where(findings.c.score.is_not(None))
    if source is not None:
        query = query.where(films.c.source == source)
    scores = sorted(connection.execute(query).scalars())
    if len(scores) >= FEWEST:
        return Reference(
            scores=tuple(scores), words=f"{len(scores)} films of studies that readers reported normal, {where}"
        )
    latest = (
        select(findings.c.film_id, findings.c.score)
        .where(findings.c.model == model, findings.c.score.is_not(None))
        .order_by(findings.c.id.desc())
        .limit(_LAST if source is None else _AMONG)
        .subquery()
    )
    stand_in = select(latest.c.score)
    if source is not None:
        stand_in = stand_in.join(films, films.c.id == latest.c.film_id).where(films.c.source == source).limit(_LAST)
    scores = sorted(connection.execute(stand_in).scalars())
    return Reference(
        scores=tuple(scores),
        words=f"the last {len(scores)} films that this model scored here, {where}, whatever they show: readers have "
        f"reported fewer than {FEWEST} normal",
    )
