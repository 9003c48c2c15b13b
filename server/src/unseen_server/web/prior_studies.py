"""Route of the other studies of a patient, in their order."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from unseen_server.service.dicom_dates import dicom_time
from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.film_person import header_of, iso_date
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.state import Parts
from unseen_server.web.studies import StudyId

if TYPE_CHECKING:
    from unseen_server.web.state import ServerState
    from unseen_server.worklist.details import PriorStudy

router = APIRouter(tags=["viewing"])
Skip = Annotated[int, Query(ge=0, le=1_000_000, description="how many of those received last are left out")]


class PriorFilm(BaseModel):
    """A film of a prior."""

    film: str
    view_position: str | None


class PriorResponse(BaseModel):
    """Another study of the same patient."""

    study: str
    study_date: str = Field(description='YYYY-MM-DD; "" where unknown, and for whom names are not shown')
    received: datetime
    films: list[PriorFilm] = Field(description="frontal ones first")
    film: str | None
    outcome: str | None


class PriorsResponse(BaseModel):
    """Up to 20 other studies of the same patient, the latest first: by study date and time, else by reception."""

    priors: list[PriorResponse]
    total: int = Field(description="all other studies of the patient")


@router.get("/studies/{study}/priors", responses=answers(401, 404, 422, 503))
def priors(parts: Parts, account: Reader, study: StudyId, skip: Skip = 0) -> PriorsResponse:
    """Return other studies of the same patient, the latest received, without their scores."""
    found = parts.store.studies.priors(study, skip=skip)
    moments = [_study_moment(parts, one) for one in found]
    order = sorted(range(len(found)), key=lambda i: (*_sorted_by(found[i], moments[i]), found[i].received))
    named = may_see_names(parts, account)
    return PriorsResponse(
        priors=[
            PriorResponse(
                study=found[i].study,
                study_date=moments[i][0] if named else "",
                received=found[i].received,
                films=[PriorFilm(film=film, view_position=view) for film, view in found[i].films],
                film=found[i].film,
                outcome=found[i].outcome,
            )
            for i in reversed(order)
        ],
        total=parts.store.studies.count_priors(study),
    )


def _study_moment(parts: ServerState, prior: PriorStudy) -> tuple[str, str]:
    """Return the date and the time of a study by the header of its first film; "" where they are unknown."""
    if not prior.films:
        return "", ""
    film, _ = prior.films[0]
    header = header_of(parts.store.films.path(film))
    return iso_date(header.get("StudyDate", "")), dicom_time(header.get("StudyTime", ""))


def _sorted_by(prior: PriorStudy, moment: tuple[str, str]) -> tuple[str, str]:
    return moment if moment[0] else (f"{prior.received:%Y-%m-%d}", "")
