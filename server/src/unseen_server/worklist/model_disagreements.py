"""Films on which two models disagree most: high among the scores of one model, low among those of the other.

rank = (films that score lower + half of those that score the same) / films,   among the films that both scored
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sqlalchemy import Connection, select

from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.tables import films, findings, studies

_AMONG = 5000  # films among which two models are compared


MOST = 500


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A film and what two models say of it.

    >>> scores = {"first_score": 0.2, "second_score": 0.9, "first_rank": 0.1, "second_rank": 0.95}
    >>> Disagreement(film="film-1", study="study-1", source="ward", **scores).first_rank
    0.1

    Args:
        film: its name.
        study: its study.
        source: where it comes from.
        first_score, second_score: each in its model's own unit.
        first_rank, second_rank: 0 to 1: the share of films that this model finds less unusual.
    """

    film: str
    study: str
    source: str
    first_score: float
    second_score: float
    first_rank: Annotated[
        float, Field(description="the share of films that the first model finds less unusual, 0 to 1")
    ]
    second_rank: float

    @property
    def difference(self) -> float:
        """first_rank − second_rank, −1 to 1; above 0 where the first model finds the film more unusual."""
        return self.first_rank - self.second_rank


def disagreements(connection: Connection, first: str, second: str, *, limit: int) -> list[Disagreement]:
    """See `Findings.disagreements`."""
    if not 1 <= limit <= MOST:
        raise WorklistError(f"{limit} films cannot be had. Ask for 1 to {MOST}.")
    if first == second:
        raise WorklistError("A model does not disagree with itself. Name two models.")
    one, other = findings.alias("one"), findings.alias("other")
    both = (
        select(one.c.film_id, one.c.score, other.c.score.label("other_score"))
        .join(other, (other.c.film_id == one.c.film_id) & (other.c.model == second))
        .where(one.c.model == first, one.c.score.is_not(None), other.c.score.is_not(None))
        .order_by(one.c.id.desc())
        .limit(_AMONG)
    )
    rows = connection.execute(both).all()
    if not rows:
        return []
    scores = np.array([(row.score, row.other_score) for row in rows])  # (films, 2)
    ranks = np.stack([_ranks(scores[:, 0]), _ranks(scores[:, 1])], axis=1)  # (films, 2)
    order = np.argsort(-np.abs(ranks[:, 0] - ranks[:, 1]), kind="stable")[:limit]
    numbers = [rows[int(place)].film_id for place in order]
    named = select(films.c.id, films.c.public_id, films.c.source, studies.c.public_id.label("study")).join(
        studies, studies.c.id == films.c.study_id
    )
    names = {row.id: row for row in connection.execute(named.where(films.c.id.in_(numbers)))}
    return [
        Disagreement(
            film=names[number].public_id,
            study=names[number].study,
            source=names[number].source,
            first_score=float(scores[place, 0]),
            second_score=float(scores[place, 1]),
            first_rank=float(ranks[place, 0]),
            second_rank=float(ranks[place, 1]),
        )
        for number, place in zip(numbers, order, strict=True)
    ]


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of scores below each, ties by half: within (0, 1).

    >>> _ranks(np.array([3.0, 1.0, 1.0, 2.0])).tolist()
    [0.875, 0.25, 0.25, 0.625]
    """
    rising = np.sort(scores)
    below, not_above = np.searchsorted(rising, scores, "left"), np.searchsorted(rising, scores, "right")
    return np.asarray((below + not_above) / (2 * len(scores)), dtype=np.float64)
