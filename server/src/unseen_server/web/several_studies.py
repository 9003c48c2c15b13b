"""Routes that act on several studies at once: assign, score again, return; `worklist/several.py` does the acts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.several import MOST, NotDone, OnSeveral
from unseen_server.worklist.states import NotFoundError

router = APIRouter(prefix="/studies", tags=["studies"])

MOST_RETURNED = 50
"""Studies that are returned at once: each of their films is tried first, which takes a while."""


StudyIds = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=MOST)]


class Several(RequestModel):
    """Some studies."""

    studies: StudyIds


class Assignment(Several):
    """Studies and the reader to whom they are assigned."""

    to: str | None = Field(max_length=64, description="an account's name; null: nobody")


class Returning(RequestModel):
    """Studies that are returned to their sender, and the reason."""

    studies: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=MOST_RETURNED)]
    reason: Annotated[str, Field(min_length=1, max_length=20_000, description="what is wrong, and what to do")]


class NotDoneResponse(ResponseModel, NotDone):
    """A study that was left as it is, and why."""


class SeveralResponse(ResponseModel, OnSeveral):
    """Result for each study, in the order in which they were given."""

    refused: tuple[NotDoneResponse, ...]


@router.post("/assign", responses=answers(400, 401, 403, 404, 422, 503))
def assign(parts: Parts, account: Lead, wanted: Assignment) -> SeveralResponse:
    """Assign studies to a reader, or to nobody. It is a wish: anybody may still read them."""
    return _response(parts.store.studies.assign(wanted.studies, wanted.to, actor=account.name))


@router.post("/requeue", responses=answers(400, 401, 403, 422, 503))
def requeue(parts: Parts, account: Lead, wanted: Several) -> SeveralResponse:
    """Have those of their films scored again that could not be."""
    return _response(parts.store.jobs.requeue_several(wanted.studies, actor=account.name))


@router.post("/return", responses=answers(400, 401, 403, 422, 503))
def send_back(parts: Parts, account: Lead, wanted: Returning) -> SeveralResponse:
    """Record what cannot be shown of them as returned; nothing is sent. Each film is tried first; none is reported."""
    broken = {study: _broken(parts, study) for study in wanted.studies}
    return _response(parts.store.reports.return_several(wanted.studies, account.name, wanted.reason, broken=broken))


def _broken(parts: ServerState, study: str) -> list[str]:
    try:
        films = parts.store.studies.details(study).films
        return [film.film for film in films if film.aside is None and not parts.can_be_shown(film.film)]
    except NotFoundError:  # the act tells why
        return []


def _response(found: OnSeveral) -> SeveralResponse:
    return SeveralResponse.model_validate(found)
