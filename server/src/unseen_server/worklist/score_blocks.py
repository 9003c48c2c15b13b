"""Scores of the latest films in blocks, for charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field
from sqlalchemy import select

from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import films, findings

if TYPE_CHECKING:
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


def blocks(database: Database, model: str, *, above: float | None, most: int = FILMS, size: int = BLOCK) -> list[Block]:
    """Return the latest films that `model` scored or refused, oldest first, in blocks; the last block may be short.

    Args:
        above: the limit over which scores are counted; None: none are.
    """
    with database.reading() as connection:
        rows = connection.execute(
            select(findings.c.score, findings.c.made_us, films.c.projection)
            .join(films, films.c.id == findings.c.film_id)
            .where(findings.c.model == model)
            .order_by(findings.c.id.desc())
            .limit(most)
        ).all()
    kept: list[Found] = [row for row in reversed(rows) if row.projection != "lateral"]
    return [_block(kept[start : start + size], above) for start in range(0, len(kept), size)]


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
