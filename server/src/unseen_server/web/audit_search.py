"""Route by which admins search the audit trail; `worklist/audit_search.py` has the filters, `audit.py` an `Event`."""

from __future__ import annotations

from fastapi import APIRouter

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.audit import Event
from unseen_server.worklist.audit_search import AuditSearch, Matches

router = APIRouter(tags=["administration"])


class EventResponse(ResponseModel, Event):
    """One row of the trail."""


class AuditMatches(ResponseModel, Matches):
    """Some rows, the latest first."""

    events: tuple[EventResponse, ...]


@router.post("/audit/search", responses=answers(400, 401, 403, 422, 503))
def search(parts: Parts, account: Admin, sought: AuditSearch) -> AuditMatches:
    """Rows of the audit trail by who, what, when and on which study."""
    return AuditMatches.model_validate(parts.store.audit.search(sought))
