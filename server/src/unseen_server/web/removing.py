"""Erasing a patient or a study, and retiring: old studies, a film, what a model has found. For admins.

A patient's number stands in the body of a request, never in an address, and in no log.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.erasure import MOST_NUMBER, STAYS, Foreseen
from unseen_server.worklist.stored_settings import MOST_DAYS
from unseen_server.worklist.study_removal import Removed

router = APIRouter(tags=["erasing and retiring"])

Name = Annotated[str, Path(max_length=80)]


class Meant(RequestModel):
    """Either a patient, or one study."""

    patient: str | None = Field(default=None, max_length=MOST_NUMBER, description="the patient's number")
    issuer: str | None = Field(default=None, max_length=MOST_NUMBER, description="who gave it out, where several have")
    study: str | None = Field(default=None, max_length=80, description="its name in the list")


class Erasure(Meant):
    """The same, as it was shown."""

    shown: str = Field(max_length=64, description="`digest` of what was shown: nothing else is erased")


class ForeseenResponse(ResponseModel, Foreseen):
    """Preview of an erasure: what is removed, and what stays."""

    stays: list[str] = Field(default=list(STAYS), description="sentences")


class RemovedResponse(ResponseModel, Removed):
    """Numbers of removed studies, films and maps."""


class Old(RequestModel):
    """Studies that were cleared, reported or set aside longer ago than this."""

    days: float = Field(ge=1, le=MOST_DAYS)
    source: str | None = Field(default=None, max_length=200, description="of this source alone")


class Count(BaseModel):
    """Number of studies."""

    studies: int


@router.post("/erasure/preview", responses=answers(400, 401, 403, 404, 409, 422, 503))
def foresee(parts: Parts, account: Admin, meant: Meant) -> ForeseenResponse:
    """Preview an erasure; nothing changes."""
    return ForeseenResponse.model_validate(parts.store.removal.foresee(**meant.model_dump()))


@router.post("/erasure", responses=answers(400, 401, 403, 404, 409, 422, 503))
def erase(parts: Parts, account: Admin, meant: Erasure) -> RemovedResponse:
    """Erase what was shown. It cannot be undone; the audit trail records that it was done, but not whose data."""
    removed = parts.store.removal.erase(
        patient=meant.patient, issuer=meant.issuer, study=meant.study, actor=account.name, as_shown=meant.shown
    )
    parts.decoded.forget()
    return _removed(removed)


@router.post("/retirement/count", responses=answers(400, 401, 403, 422, 503))
def count_old(parts: Parts, account: Admin, old: Old) -> Count:
    """Return the number of studies that would be removed by their age."""
    return Count(studies=parts.store.removal.count_old(older_than_days=old.days, source=old.source))


@router.post("/retirement", responses=answers(400, 401, 403, 422, 503))
def retire_old(parts: Parts, account: Admin, old: Old) -> RemovedResponse:
    """Remove studies by their age; none that waits for a reader."""
    removed = parts.store.removal.retire(older_than_days=old.days, source=old.source, actor=account.name)
    parts.decoded.forget()
    return _removed(removed)


@router.post("/films/{film}/retire", responses=answers(401, 403, 404, 409, 422, 503))
def retire_film(parts: Parts, account: Admin, film: Name) -> RemovedResponse:
    """Remove one film from a study that nobody has in hand or has reported."""
    removed = parts.store.removal.retire_film(film, actor=account.name)
    parts.decoded.forget()
    return _removed(removed)


@router.post("/models/{model}/retire", responses=answers(401, 403, 404, 409, 422, 503))
def retire_model(parts: Parts, account: Admin, model: Name) -> RemovedResponse:
    """Remove what a model has found; decisions and reports stay."""
    in_use = () if parts.models is None else tuple(parts.models.named)
    return _removed(parts.store.removal.retire_model(model, actor=account.name, in_use=in_use))


def _removed(removed: Removed) -> RemovedResponse:
    return RemovedResponse.model_validate(removed)
