"""How far models lie apart on a study: kept with it, so that the list can be filtered by it.

Each model's score of a frontal film is compared with the model's latest scores at this site, as a share of them that is
lower. The study's number is the largest difference between two models' shares of one film. It is of the time at which
the study was judged: later films do not change it.
"""

from __future__ import annotations

from sqlalchemy import Connection, case, func, select

from unseen.screening.policy import is_lateral
from unseen.worklist.tables import films, findings

FAR = 0.5
"""Models disagree where their shares lie so far apart; `tables.APART_ALONE` has the same number."""
FEWEST = 20
"""Scores of a model below which a share of them would say little."""
_AMONG = 1000


def apart(connection: Connection, study: int) -> float | None:
    """The largest difference, 0 to 1; None where no film has scores of two models with `FEWEST` scores each."""
    query = (
        select(findings.c.film_id, findings.c.model, findings.c.score, films.c.view_position)
        .join(films, films.c.id == findings.c.film_id)
        .where(films.c.study_id == study, findings.c.score.is_not(None))
    )
    by_film: dict[int, list[tuple[str, float]]] = {}
    for row in connection.execute(query):
        if not is_lateral(row.view_position):
            by_film.setdefault(row.film_id, []).append((row.model, row.score))
    found = []
    for scores in by_film.values():
        if len(scores) > 1:
            shares = [share for model, score in scores if (share := _share(connection, model, score)) is not None]
            if len(shares) > 1:
                found.append(max(shares) - min(shares))
    return max(found, default=None)


def _share(connection: Connection, model: str, score: float) -> float | None:
    latest = (
        select(findings.c.score)
        .where(findings.c.model == model, findings.c.score.is_not(None))
        .order_by(findings.c.id.desc())
        .limit(_AMONG)
        .subquery()
    )
    half = case((latest.c.score < score, 1.0), (latest.c.score == score, 0.5), else_=0.0)
    lower, scores = connection.execute(select(func.sum(half), func.count()).select_from(latest)).one()
    return float(lower) / scores if scores >= FEWEST else None
