"""Routes of the drift chart: late scores compared with those of the calibration."""

from collections.abc import Sequence

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.drift_counting import watched
from unseen_server.worklist.score_blocks import BLOCK, FILMS, Block, blocks

router = APIRouter(tags=["drift"])

UPPER = 0.95
"""Share of normal films whose scores lie below the limit above which late films are counted."""


class BlockResponse(ResponseModel, Block):
    """Some films that were scored one after the other."""


class DriftReferenceResponse(BaseModel):
    """Scores with which late scores are compared."""

    words: str = Field(description="whose scores they are")
    median: float
    limit: float = Field(description="95 % of normal ones lie below")
    expected: float = Field(description="share of films above the limit, were they all like these")


class Drift(BaseModel):
    """The scores of the model that decides, of late."""

    model: str | None = Field(description="SHA-256 of its weights; null where this server has none")
    model_name: str
    policy: str | None = Field(description="digest of the policy that it clears by; null without one")
    reference: DriftReferenceResponse | None = Field(description="null while nothing is known to compare with")
    blocks: list[BlockResponse] = Field(
        description=f"the latest {FILMS} films, {BLOCK} each, oldest first, without films of patients on whose films "
        "the model was trained"
    )
    window: int | None = Field(description="studies that the drift watch tests together; null without a policy")
    windows: int = Field(description="windows that are whole")
    studies: int = Field(description="studies in the one that is not")


@router.get("/drift", responses=answers(401, 403, 503))
def drift(parts: Parts, account: Lead) -> Drift:
    """Return late scores, in blocks, next to those of the calibration."""
    if parts.models is None:
        return Drift(
            model=None, model_name="", policy=None, reference=None, blocks=[], window=None, windows=0, studies=0
        )
    card, policy = parts.models.card, parts.models.policy
    reference = _reference(parts)
    state = None if policy is None else watched(parts.store.database, policy.digest)
    limit = None if reference is None else reference.limit
    return Drift(
        model=card.weights_sha256,
        model_name=parts.models.folder.name,
        policy=None if policy is None else policy.digest,
        reference=reference,
        blocks=[
            BlockResponse.model_validate(block)
            for block in blocks(
                parts.store.database, card.weights_sha256, above=limit, training_films=card.training_films
            )
        ],
        window=None if policy is None or policy.drift is None else policy.drift.window,
        windows=0 if state is None else state.windows,
        studies=0 if state is None else state.studies,
    )


def _reference(parts: ServerState) -> DriftReferenceResponse | None:
    assert parts.models is not None
    known = parts.ranks.of_site(parts.models.card.weights_sha256)
    return _of(known.scores, known.words) if known.scores else None


def _of(scores: Sequence[float], words: str) -> DriftReferenceResponse:
    limit = float(np.quantile(scores, UPPER))
    return DriftReferenceResponse(
        words=words,
        median=float(np.median(scores)),
        limit=limit,
        expected=float((np.asarray(scores) > limit).mean()),
    )
