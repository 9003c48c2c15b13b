"""Routes of the list: its pages, sorted and filtered.

The filters are a request body, not part of the address: addresses are logged, and a search may be a patient's
number.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.list_response import ListedPage
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.studies import Choices
from unseen_server.worklist.study_query import Search, StudyQuery

router = APIRouter(prefix="/studies", tags=["studies"])


class ChoicesResponse(ResponseModel, Choices):
    """Values by which the list can be filtered."""


class Sources(BaseModel):
    """The sources that studies have, by name."""

    sources: list[str] = Field(description="for the filter of the list")


@router.post("/search", responses=answers(400, 401, 403, 409, 422, 503))
def search(parts: Parts, account: Reader, wanted: Search) -> ListedPage:
    """Return a page of the list, in the order in which it is to be read unless another one is wanted."""
    blind = parts.is_blind(account.role)
    promise = parts.promise()
    query = StudyQuery.asked(
        wanted,
        reader=account.name,
        blind=blind,
        whole_terms=parts.store.names.plain and not may_see_names(parts, account),
        flag_rule=None if wanted.flag is None else parts.ranks.flag_rule(promise, blind=blind),
    )
    page = parts.store.studies.page(query)
    return ListedPage.of(page, parts.ranks, promise, model=parts.deciding, blind=blind)


@router.get("/sources", responses=answers(401, 503))
def sources(parts: Parts, account: Reader) -> Sources:
    """Return the sources alone."""
    return Sources(sources=parts.store.studies.sources())


@router.get("/choices", responses=answers(401, 503))
def choices(parts: Parts, account: Reader) -> ChoicesResponse:
    """Return the values by which the list can be filtered at present."""
    return ChoicesResponse.model_validate(parts.store.studies.choices())
