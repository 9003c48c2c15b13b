"""Routes of the models and the policy that score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy


router = APIRouter(tags=["health"])


class PolicyResponse(BaseModel):
    """Policy that a site has calibrated."""

    digest: str
    stopped: str = Field(description='why it clears nothing at present; "" where it clears')
    max_miss_rate: float | None = Field(description="null while it clears nothing: then nothing is promised")
    confidence: float | None = Field(description="likewise")
    sources: list[str]
    created: str


class ScoringModelResponse(BaseModel):
    """Model that scores, and the policy by which it may clear."""

    name: str
    role: Literal["decides", "compares"] = Field(description="compares: its scores are kept, and decide nothing")
    key: str = Field(description="of the method, such as roi-sure")
    size: int | None = Field(description="the side of its grid in pixels; null where its card does not say")
    frame: str | None = Field(description="what it looks at: lungs, or whole; null where its card does not say")
    weights_sha256: str
    licence: str
    limits: str
    policy: PolicyResponse | None = Field(description="null: films are ranked, and none is cleared")


class ModelsResponse(BaseModel):
    """The models of the workers that this server has started."""

    models: list[ScoringModelResponse]


@router.get("/models", responses=answers(401, 503))
def models(parts: Parts, account: Reader) -> ModelsResponse:
    """Return the models and the policy of this server's workers; the first model decides."""
    found = parts.models
    if found is None:
        return ModelsResponse(models=[])
    (name, card), *others = found.named.values()
    promise = parts.promise()
    further = [_model(*one, None, "compares", "") for one in others]
    return ModelsResponse(models=[_model(name, card, found.policy, "decides", promise.why), *further])


def _model(
    name: str, card: Card, policy: Policy | None, role: Literal["decides", "compares"], stopped: str
) -> ScoringModelResponse:
    view = card.view or {}
    size, frame = view.get("size"), view.get("frame")
    return ScoringModelResponse(
        name=name,
        role=role,
        key=card.name,
        size=size if isinstance(size, int) else None,
        frame=frame if isinstance(frame, str) else None,
        weights_sha256=card.weights_sha256,
        licence=card.licence,
        limits=card.limits,
        policy=None
        if policy is None
        else PolicyResponse(
            digest=policy.digest,
            stopped=stopped,
            max_miss_rate=None if stopped else policy.max_miss_rate,
            confidence=None if stopped else policy.confidence,
            sources=sorted(policy.sources),
            created=policy.created,
        ),
    )
