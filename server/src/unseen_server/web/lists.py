"""The list: its pages, sorted and filtered; acts on several studies, for leads; views that people keep.

What is asked of the list is a body, not an address: an address stands in logs, and a search may be a patient's number.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from unseen_server.web.accounts import Lead, Reader, is_lead
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.listed_page import ListedPage
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.several import MOST, OnSeveral
from unseen_server.worklist.states import NotAllowedError, NotFoundError, State

router = APIRouter(prefix="/studies", tags=["studies"])
views_router = APIRouter(prefix="/views", tags=["studies"])

MOST_RETURNED = 50
"""Studies that are returned at once: each of their films is tried first, which takes a while."""

TabName = Literal["to_read", "cleared", "reported", "not_scored", "all"]
OrderName = Literal["list", "received", "score", "source"]
_NAME = Field(default=None, max_length=64, description="assigned to this account; `@me`, `@nobody`")


class _Narrowed(BaseModel):
    """What of the list is wanted, without a search and without a page."""

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


class Search(_Narrowed):
    """Which rows of the list. It is a body, not an address, because `text` may be a patient's number."""

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
    """What the list can be filtered by."""

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
    """What the list can be filtered by at present."""
    return ChoicesResponse.model_validate(parts.store.choices())


StudyIds = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=MOST)]


class Several(BaseModel):
    """Some studies."""

    model_config = ConfigDict(extra="forbid")

    studies: StudyIds


class Assignment(Several):
    """To whom they are assigned."""

    to: str | None = Field(max_length=64, description="an account's name; null: nobody")


class Returning(BaseModel):
    """Why they go back to their sender."""

    model_config = ConfigDict(extra="forbid")

    studies: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=MOST_RETURNED)]
    reason: Annotated[str, Field(min_length=1, max_length=20_000, description="what is wrong, and what to do")]


class NotDoneResponse(BaseModel):
    """A study that was left as it is, and why."""

    model_config = ConfigDict(from_attributes=True)

    study: str
    reason: str


class SeveralResponse(BaseModel):
    """What became of them, in the order in which they were given."""

    model_config = ConfigDict(from_attributes=True)

    done: list[str]
    refused: list[NotDoneResponse]


@router.post("/assign", responses=answers(400, 401, 403, 404, 422, 503))
def assign(parts: Parts, account: Lead, wanted: Assignment) -> SeveralResponse:
    """Assign studies to a reader, or to nobody. It is a wish: anybody may still read them."""
    return _response(parts.store.assign(wanted.studies, wanted.to, actor=account.name))


@router.post("/requeue", responses=answers(400, 401, 403, 422, 503))
def requeue(parts: Parts, account: Lead, wanted: Several) -> SeveralResponse:
    """Have those of their films scored again that could not be."""
    return _response(parts.store.requeue_several(wanted.studies, actor=account.name))


@router.post("/return", responses=answers(400, 401, 403, 422, 503))
def send_back(parts: Parts, account: Lead, wanted: Returning) -> SeveralResponse:
    """Record what cannot be shown of them as returned; nothing is sent. Each film is tried first; none is reported."""
    broken = {study: _broken(parts, study) for study in wanted.studies}
    return _response(parts.store.return_several(wanted.studies, account.name, wanted.reason, broken=broken))


def _broken(parts: ServerState, study: str) -> list[str]:
    try:
        films = parts.store.study(study).films
        return [film.film for film in films if film.aside is None and not parts.can_be_shown(film.film)]
    except NotFoundError:  # the act tells why
        return []


def _response(found: OnSeveral) -> SeveralResponse:
    return SeveralResponse.model_validate(found)


class ViewWanted(_Narrowed):
    """What a view shows: never a search."""

    received: str | None = Field(
        default=None,
        pattern=r"^(today|7d|30d|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$",
        description="received on this day, within days, or from a day to a day",
    )


class ViewToKeep(BaseModel):
    """A view under a name; one's own of that name is replaced."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    shared: bool = Field(default=False, description="everybody sees it; for leads")
    wanted: ViewWanted


class ViewResponse(BaseModel):
    """A view that somebody keeps."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    name: str
    owner: str
    shared: bool
    wanted: ViewWanted


class ViewList(BaseModel):
    """One's own views and the shared ones, by name."""

    views: list[ViewResponse]


@views_router.get("", responses=answers(401, 503))
def views(parts: Parts, account: Reader) -> ViewList:
    """The views that the asker can choose from."""
    return ViewList(views=[ViewResponse.model_validate(one) for one in parts.store.views(account.name)])


@views_router.put("", responses=answers(400, 401, 403, 409, 422, 503))
def keep(parts: Parts, account: Reader, view: ViewToKeep) -> ViewList:
    """Keep a view; all of them then."""
    if view.shared and not is_lead(account):
        raise NotAllowedError("A view for everybody is a lead's. Keep it for yourself.")
    wanted = view.wanted.model_dump(exclude_defaults=True)
    parts.store.save_view(account.name, view.name, wanted, shared=view.shared)
    return views(parts, account)


@views_router.delete("/{number}", responses=answers(401, 403, 404, 409, 422, 503))
def remove(parts: Parts, account: Reader, number: Annotated[int, Path(ge=1, lt=2**63)]) -> ViewList:
    """Remove a view of one's own; a lead may remove a shared one. Those that are left."""
    parts.store.remove_view(number, account.name, as_lead=is_lead(account))
    return views(parts, account)
