"""Route of the models that have scored films here."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts

router = APIRouter(tags=["erasing and retiring"])


class Scored(BaseModel):
    """A model that has scored films here."""

    model: str = Field(description="SHA-256 of its weights")
    name: str = Field(description='"" where this server does not know it')
    findings: int
    latest: datetime
    waiting: int = Field(description="studies that wait for a reader in an order that it made")
    in_use: bool = Field(description="this server scores with it")


class ScoredModels(BaseModel):
    """The latest first."""

    models: list[Scored]


@router.get("/models/scored", responses=answers(401, 403, 503))
def scored(parts: Parts, account: Admin) -> ScoredModels:
    """The models whose findings are kept here."""
    named = {} if parts.models is None else parts.models.named
    return ScoredModels(
        models=[
            Scored(
                model=one.model,
                name=named[one.model][0] if one.model in named else one.name,
                findings=one.findings,
                latest=one.latest,
                waiting=one.waiting,
                in_use=one.model in named,
            )
            for one in parts.store.models()
        ]
    )
