"""Route of the other studies of a patient."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts
from unseen_server.web.studies import StudyId

router = APIRouter(tags=["viewing"])


class PriorFilm(BaseModel):
    """A film of a prior."""

    film: str
    view_position: str | None


class PriorResponse(BaseModel):
    """Another study of the same patient."""

    study: str
    received: datetime
    films: list[PriorFilm] = Field(description="frontal ones first")
    film: str | None
    outcome: str | None


class PriorsResponse(BaseModel):
    """Other studies of the same patient, the latest first."""

    priors: list[PriorResponse]


@router.get("/studies/{study}/priors", responses=answers(401, 404, 422, 503))
def priors(parts: Parts, account: Reader, study: StudyId) -> PriorsResponse:
    """Return other studies of the same patient, without their scores."""
    return PriorsResponse(
        priors=[
            PriorResponse(
                study=one.study,
                received=one.received,
                films=[PriorFilm(film=film, view_position=view) for film, view in one.films],
                film=one.film,
                outcome=one.outcome,
            )
            for one in parts.store.studies.priors(study)
        ]
    )
