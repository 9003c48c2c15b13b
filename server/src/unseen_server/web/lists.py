"""Routes of the list: its pages, sorted and filtered.

The filters are a request body, not part of the address: addresses are logged, and a search may be a patient's
number.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.listed_page import ListedPage
from unseen_server.web.state import Parts
from unseen_server.worklist.states import State

router = APIRouter(prefix="/studies", tags=["studies"])

TabName = Literal["to_read", "cleared", "reported", "not_scored", "all"]
OrderName = Literal["list", "received", "score", "source"]
_NAME = Field(default=None, max_length=64, description="assigned to this account; `@me`, `@nobody`")


class ListFilters(BaseModel):
    """Filters and order of the list, without a search and without a page."""

    model_config = ConfigDict(extra="forbid")

    tab: TabName = Field(
        default="to_read", description="every study is on one of to_read, cleared, reported; not_scored: to_read's top"
    )
    source: str | None = Field(default=None, max_length=200, description="of this source alone")
    state: State | None = None
    view: str | None = Field(default=None, max_length=16, description="ViewPosition of a frontal film, else of another")
    flag: bool | None = Field(default=None, description="true: whose row is flagged; false: the others")
    assigned: str | None = _NAME
    disagreement: bool = Field(default=False, description="on which models disagree; not for the blind")
    order: OrderName = Field(
        default="list",
        description="list: in which it is to be read; others ascend: oldest, lowest score (not for the blind), source",
    )
    reverse: bool = Field(default=False, description="the other way round")


class Search(ListFilters):
    """Filters, order and page of the list. It is a body, not an address, because `text` may be a patient's number."""

    since: AwareDatetime | None = Field(default=None, description="received then or later")
    until: AwareDatetime | None = Field(default=None, description="received before")
    text: str | None = Field(
        default=None,
        max_length=1000,
        description="whose accession number, patient, StudyInstanceUID, file name, film or study is this, exactly; or "
        "whose accession number or patient begins so, as it is stored: from three characters on, from eight of a "
        "pseudonym",
    )
    after: str | None = Field(default=None, max_length=2000, description="`next` of an earlier page")
    before: str | None = Field(default=None, max_length=2000, description="`previous` of an earlier page")
    last: bool = Field(default=False, description="the last page")
    limit: int = Field(default=50, ge=1, le=200, description="rows")
    refusal: str | None = Field(default=None, max_length=200, description="`clause` of rows that were not scored")
    grouped: bool = Field(default=False, description="leave out what stands in `groups`")


class ChoicesResponse(BaseModel):
    """Values by which the list can be filtered."""

    model_config = ConfigDict(from_attributes=True)

    sources: list[str] = Field(description="that studies have, by name")
    views: list[str] = Field(description="ViewPositions that studies have")
    readers: list[str] = Field(description="accounts that studies can be assigned to")


class Sources(BaseModel):
    """The sources that studies have, by name."""

    sources: list[str] = Field(description="for the filter of the list")


@router.post("/search", responses=answers(400, 401, 403, 409, 422, 503))
def search(parts: Parts, account: Reader, wanted: Search) -> ListedPage:
    """A page of the list, in the order in which it is to be read unless another one is wanted."""
    blind = parts.is_blind(account.role)
    promise = parts.promise()
    asked: dict[str, Any] = wanted.model_dump()  # Any: what `Lists.page` takes
    if wanted.flag is not None:
        asked["flag"] = parts.ranks.flag_rule(promise, flagged=wanted.flag, blind=blind)
    asked["whole"] = parts.store.names.plain and not may_see_names(parts, account)
    page = parts.store.page(**asked, blind=blind, reader=account.name)
    return ListedPage.of(page, parts.ranks, promise, model=parts.deciding, blind=blind)


@router.get("/sources", responses=answers(401, 503))
def sources(parts: Parts, account: Reader) -> Sources:
    """The sources alone."""
    return Sources(sources=parts.store.sources())


@router.get("/choices", responses=answers(401, 503))
def choices(parts: Parts, account: Reader) -> ChoicesResponse:
    """Return the values by which the list can be filtered at present."""
    return ChoicesResponse.model_validate(parts.store.choices())
