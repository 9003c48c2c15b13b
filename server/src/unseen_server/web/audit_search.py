"""Route by which admins search the audit trail."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts
from unseen_server.worklist.audit import Value
from unseen_server.worklist.audit_search import Sought

router = APIRouter(tags=["administration"])


class AuditSearch(BaseModel):
    """Filters of the audit trail; empty fields do not count.

    Sent in the body, since a patient's number may stand in it.
    """

    model_config = ConfigDict(extra="forbid")

    actor: str = Field(default="", max_length=200, description="who did it, exactly")
    action: str = Field(default="", max_length=200, description="what, or how it begins: study.reported, study.")
    study: str = Field(default="", max_length=200, description="as in the search of the list; or a film, an account")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: int | None = Field(default=None, description="only rows before this number: the next page")
    limit: int = Field(default=50, ge=1, le=200)


class EventResponse(BaseModel):
    """One row of the trail."""

    seq: int
    time: datetime
    actor: str
    action: str
    subject: str
    body: dict[str, Value]


class AuditMatches(BaseModel):
    """Some rows, the latest first."""

    events: list[EventResponse]
    before: int | None = Field(description="for the next page; null where there is none")


@router.post("/audit/search", responses=answers(400, 401, 403, 422, 503))
def search(parts: Parts, account: Admin, sought: AuditSearch) -> AuditMatches:
    """Rows of the audit trail by who, what, when and on which study."""
    found = parts.store.search_audit(Sought(**sought.model_dump()))
    return AuditMatches(
        events=[EventResponse.model_validate(one, from_attributes=True) for one in found.events], before=found.before
    )
