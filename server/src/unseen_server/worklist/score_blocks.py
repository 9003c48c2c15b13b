"""Scores of the latest films in blocks, for charts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field
from sqlalchemy import select

from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import films, findings, studies
from unseen_server.worklist.training_patients import patient_name, training_patients

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from unseen_server.worklist.database import Database
    from unseen_server.worklist.transactions import Found

FILMS = 500
BLOCK = 50


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some films that were scored one after the other.

    Args:
        scored, refused: how many were, and were not.
    """

    first: datetime
    last: datetime
    scored: int
    refused: int
    quartiles: Annotated[
        tuple[float, float, float] | None, Field(description="25, 50, 75 % of the scores; null without any")
    ]
    above: Annotated[int, Field(description="scores above the limit")]


def blocks(
    database: Database,
    model: str,
    *,
    above: float | None,
    most: int = FILMS,
    size: int = BLOCK,
    training_films: Collection[str] = (),
) -> list[Block]:
    """Return the latest films that `model` scored or refused, oldest first, in blocks; the last block may be short.

    Args:
        above: the limit over which scores are counted; None: none are.
        most: number of latest films; lateral films do not count.
        size: films of a block.
        training_films: pixel digests of the films that the model was trained on; films of their patients do not count,
            since their scores are too low.
    """
    with database.reading() as connection:
        taught = training_patients(connection, training_films)
        counted = (
            row
            for row in _latest_first(connection, model, at_once=most)
            if patient_name(row.public_id, row.patient, row.issuer) not in taught
        )
        kept = list(islice(counted, most))[::-1]
    return [_block(kept[start : start + size], above) for start in range(0, len(kept), size)]


def _latest_first(connection: Connection, model: str, *, at_once: int) -> Iterator[Found]:
    """Yield the films that the model scored or refused, without lateral films; one query reads `at_once` of them."""
    query = (
        select(findings.c.id, findings.c.score, findings.c.made_us)
        .add_columns(studies.c.public_id, studies.c.patient, studies.c.issuer)
        .join(films, films.c.id == findings.c.film_id)
        .join(studies, studies.c.id == films.c.study_id)
        .where(findings.c.model == model, films.c.projection.is_distinct_from("lateral"))
        .order_by(findings.c.id.desc())
        .limit(at_once)
    )
    rows = connection.execute(query).all()
    yield from rows
    while len(rows) == at_once:
        rows = connection.execute(query.where(findings.c.id < rows[-1].id)).all()
        yield from rows


def _block(rows: Sequence[Found], above: float | None) -> Block:
    scores = np.array([row.score for row in rows if row.score is not None])
    return Block(
        first=moment(rows[0].made_us),
        last=moment(rows[-1].made_us),
        scored=len(scores),
        refused=len(rows) - len(scores),
        quartiles=tuple(np.quantile(scores, (0.25, 0.5, 0.75)).tolist()) if len(scores) else None,
        above=0 if above is None else int((scores > above).sum()),
    )
