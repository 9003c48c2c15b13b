"""Routes of saved views of the list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from unseen_server.web.authentication import Reader, is_lead
from unseen_server.web.errors import answers
from unseen_server.web.lists import ListFilters
from unseen_server.web.state import Parts
from unseen_server.worklist.states import NotAllowedError

router = APIRouter(prefix="/views", tags=["studies"])


class ViewWanted(ListFilters):
    """Filters and order of a view, never a search."""

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


@router.get("", responses=answers(401, 503))
def views(parts: Parts, account: Reader) -> ViewList:
    """The views that the asker can choose from."""
    return ViewList(views=[ViewResponse.model_validate(one) for one in parts.store.views(account.name)])


@router.put("", responses=answers(400, 401, 403, 409, 422, 503))
def keep(parts: Parts, account: Reader, view: ViewToKeep) -> ViewList:
    """Keep a view; all of them then."""
    if view.shared and not is_lead(account):
        raise NotAllowedError("A view for everybody is a lead's. Keep it for yourself.")
    wanted = view.wanted.model_dump(exclude_defaults=True)
    parts.store.save_view(account.name, view.name, wanted, shared=view.shared)
    return views(parts, account)


@router.delete("/{number}", responses=answers(401, 403, 404, 409, 422, 503))
def remove(parts: Parts, account: Reader, number: Annotated[int, Path(ge=1, lt=2**63)]) -> ViewList:
    """Remove a view of one's own; a lead may remove a shared one. Those that are left."""
    parts.store.remove_view(number, account.name, as_lead=is_lead(account))
    return views(parts, account)
