"""What a lead looks at to see whether things have changed: late scores beside the calibration's, and the audit sample
as it grew. Alarms, and acknowledging them, are in `auditing`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from unseen.evaluation.intervals import Interval
from unseen.web.auditing import Share
from unseen.web.errors import answers
from unseen.web.served import Parts, Served
from unseen.web.who import Lead
from unseen.worklist.trends import BLOCK, FILMS, audited, blocks, watched

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(tags=["drift"])

UPPER = 0.95
"""Of normal films, the share whose scores lie below the limit over which late films are counted."""


class BlockTold(BaseModel):
    """Some films that were scored one after the other."""

    model_config = ConfigDict(from_attributes=True)

    first: datetime
    last: datetime
    scored: int
    refused: int
    quartiles: tuple[float, float, float] | None = Field(description="25, 50, 75 % of the scores; null without any")
    above: int = Field(description="scores above the limit")


class ReferenceTold(BaseModel):
    """What late scores are compared with."""

    words: str = Field(description="whose scores they are")
    median: float
    limit: float = Field(description="95 % of normal ones lie below")
    expected: float = Field(description="share of films above the limit, were they all like these")


class Drift(BaseModel):
    """The scores of the model that decides, of late."""

    model: str | None = Field(description="SHA-256 of its weights; null where this server has none")
    model_name: str
    policy: str | None = Field(description="digest of the policy that it clears by; null without one")
    reference: ReferenceTold | None = Field(description="null while nothing is known to compare with")
    blocks: list[BlockTold] = Field(description=f"the latest {FILMS} films, {BLOCK} each, oldest first")
    window: int | None = Field(description="studies that the drift watch tests together; null without a policy")
    windows: int = Field(description="windows that are whole")
    studies: int = Field(description="studies in the one that is not")


class Point(BaseModel):
    """The audit sample after a reading."""

    time: datetime
    read: int
    abnormal: int
    share: Share


class Grown(BaseModel):
    """The audit sample as it grew, oldest first; of a long one some points evenly along it."""

    points: list[Point]


@router.get("/drift", responses=answers(401, 403, 503))
def drift(parts: Parts, account: Lead) -> Drift:
    """Late scores, in blocks, beside those of the calibration."""
    if parts.models is None:
        return Drift(
            model=None, model_name="", policy=None, reference=None, blocks=[], window=None, windows=0, studies=0
        )
    card, policy = parts.models.card, parts.models.policy
    reference = _reference(parts)
    state = None if policy is None else watched(parts.store, policy.digest)
    limit = None if reference is None else reference.limit
    return Drift(
        model=card.weights_sha256,
        model_name=parts.models.folder.name,
        policy=None if policy is None else policy.digest,
        reference=reference,
        blocks=[BlockTold.model_validate(block) for block in blocks(parts.store, card.weights_sha256, above=limit)],
        window=None if policy is None or policy.drift is None else policy.drift.window,
        windows=0 if state is None else state.windows,
        studies=0 if state is None else state.studies,
    )


@router.get("/audit/sample/growth", responses=answers(401, 403, 503))
def growth(parts: Parts, account: Lead) -> Grown:
    """The audit sample as it grew: the share of abnormal studies among the cleared ones that were read, and what of
    it is known."""
    return Grown(
        points=[
            Point(
                time=point.time,
                read=point.read,
                abnormal=point.abnormal,
                share=Share(value=point.share.value, low=point.share.low, high=point.share.high),
            )
            for point in audited(parts.store)
            if isinstance(point.share, Interval)
        ]
    )


def _reference(parts: Served) -> ReferenceTold | None:
    assert parts.models is not None
    known = parts.ranks.reference(parts.models.card.weights_sha256)
    return _of(known.scores, known.words) if known.scores else None


def _of(scores: Sequence[float], words: str) -> ReferenceTold:
    limit = float(np.quantile(scores, UPPER))
    return ReferenceTold(
        words=words,
        median=float(np.median(scores)),
        limit=limit,
        expected=float((np.asarray(scores) > limit).mean()),
    )
