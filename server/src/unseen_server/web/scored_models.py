"""Route of the models that have scored films here."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.model_findings_removal import KnownModel

router = APIRouter(tags=["erasing and retiring"])


class Scored(ResponseModel, KnownModel):
    """A model that has scored films here."""

    in_use: bool = Field(description="this server scores with it")


class ScoredModels(BaseModel):
    """The latest first."""

    models: list[Scored]


@router.get("/models/scored", responses=answers(401, 403, 503))
def scored(parts: Parts, account: Admin) -> ScoredModels:
    """Return the models whose findings are kept here."""
    named = {} if parts.models is None else parts.models.named
    return ScoredModels(
        models=[
            Scored.from_value(
                one, name=named[one.model][0] if one.model in named else one.name, in_use=one.model in named
            )
            for one in parts.store.findings.models()
        ]
    )
