"""Disagreement of models on a study, stored with it, so that the list can be filtered by it.

Each model's score of a frontal film is compared with the model's latest scores at this site, as a share of them that is
lower. The study's number is the largest difference between two models' shares of one film. It is of the time at which
the study was judged: later films do not change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, select

from unseen_server.worklist.tables import films, findings

FAR = 0.5
"""Models disagree where their shares lie so far apart; `partial_indexes.APART_ALONE` has the same number."""
FEWEST = 20
"""Scores of a model below which a share of them would say little."""
AMONG = 1000


def apart(connection: Connection, study: int) -> float | None:
    """Return the largest difference, 0 to 1; None where no film has scores of two models with `FEWEST` scores each."""
    query = (
        select(findings.c.film_id, findings.c.model, findings.c.score, films.c.projection)
        .join(films, films.c.id == findings.c.film_id)
        .where(films.c.study_id == study, findings.c.score.is_not(None))
    )
    by_film: dict[int, dict[str, float]] = {}
    for row in connection.execute(query):
        if row.projection != "lateral":
            by_film.setdefault(row.film_id, {})[row.model] = row.score
    return largest(by_film.values(), lambda model: latest_scores(connection, model))


def largest(films_of_study: Iterable[Mapping[str, float]], among: Callable[[str], Sequence[float]]) -> float | None:
    """`apart`, of a study's frontal films as their scores by model.

    Args:
        among: a model's latest scores.

    >>> scores = {"a": [0.1] * 15 + [0.9] * 5, "b": [0.2] * 20}
    >>> largest([{"a": 0.5, "b": 0.2}], scores.__getitem__)
    0.25
    """
    found = []
    for scores in films_of_study:
        if len(scores) > 1:
            shares = [share for model, score in scores.items() if (share := _share(among(model), score)) is not None]
            if len(shares) > 1:
                found.append(max(shares) - min(shares))
    return max(found, default=None)


def latest_scores(connection: Connection, model: str) -> list[float]:
    """Return the model's `AMONG` latest scores, the latest first."""
    of_model = select(findings.c.score).where(findings.c.model == model, findings.c.score.is_not(None))
    return list(connection.execute(of_model.order_by(findings.c.id.desc()).limit(AMONG)).scalars())


def _share(among: Sequence[float], score: float) -> float | None:
    if len(among) < FEWEST:
        return None
    scores = np.asarray(among)
    return float((scores < score).sum() + 0.5 * (scores == score).sum()) / len(scores)
