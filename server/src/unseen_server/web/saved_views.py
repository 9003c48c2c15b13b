"""Routes of saved views of the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from unseen_server.web.authentication import Reader, is_lead
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.state import Parts
from unseen_server.worklist.states import NotAllowedError
from unseen_server.worklist.study_query import ListFilters

router = APIRouter(prefix="/views", tags=["studies"])


@dataclass(frozen=True, kw_only=True)
class ViewWanted(ListFilters):
    """Filters and order of a view, never a search."""

    received: Annotated[
        str | None,
        Field(
            pattern=r"^(today|7d|30d|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$",
            description="received on this day, within days, or from a day to a day",
        ),
    ] = None


_WANTED = TypeAdapter(ViewWanted)


class ViewToKeep(RequestModel):
    """A view under a name; one's own of that name is replaced."""

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
    """Return the views that the asker can choose from."""
    return ViewList(views=[ViewResponse.model_validate(one) for one in parts.store.saved_views.listed(account.name)])


@router.put("", responses=answers(400, 401, 403, 409, 422, 503))
def keep(parts: Parts, account: Reader, view: ViewToKeep) -> ViewList:
    """Keep a view; all of them then."""
    if view.shared and not is_lead(account):
        raise NotAllowedError("A view for everybody is a lead's. Keep it for yourself.")
    wanted = _WANTED.dump_python(view.wanted, exclude_defaults=True)
    parts.store.saved_views.save(account.name, view.name, wanted, shared=view.shared)
    return views(parts, account)


@router.delete("/{number}", responses=answers(401, 403, 404, 409, 422, 503))
def remove(parts: Parts, account: Reader, number: Annotated[int, Path(ge=1, lt=2**63)]) -> ViewList:
    """Remove a view of one's own; a lead may remove a shared one. Those that are left."""
    parts.store.saved_views.remove(number, account.name, as_lead=is_lead(account))
    return views(parts, account)
