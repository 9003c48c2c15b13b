"""Routes that verify the audit trail."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.hidden_places import without_places

router = APIRouter(tags=["audit"])


class HeadResponse(ResponseModel, AuditHead):
    """Head of the audit trail. Written down elsewhere, it proves later that nothing before it was changed."""

    head: str = Field(description="both in one line, as `verify` takes it")


class HeadGiven(RequestModel):
    """A head that was written down; none: the trail is checked up to the one kept beside the worklist."""

    head: str | None = Field(default=None, max_length=200)


class Verified(BaseModel):
    """Result of a check: each row must follow from the one before, up to the known heads."""

    whole: bool
    problem: str | None = Field(description="a sentence; null where the trail is whole")
    head: HeadResponse


@router.get("/audit/head", responses=answers(401, 403, 503))
def head(parts: Parts, account: Lead) -> HeadResponse:
    """Return the head of the audit trail."""
    return _head(parts.store.audit.head())


@router.post("/audit/verify", responses=answers(400, 401, 403, 422, 503))
def verify(parts: Parts, account: Lead, given: HeadGiven) -> Verified:
    """Check the whole trail; with many rows this takes a while. That it was checked, and the result, is on record."""
    known = None if given.head is None else AuditHead.parse(given.head)
    broken = parts.store.audit.verify(known, actor=account.name)
    problem = None if broken is None else without_places(broken, parts.store)
    return Verified(whole=broken is None, problem=problem, head=_head(parts.store.audit.head()))


def _head(found: AuditHead) -> HeadResponse:
    return HeadResponse.from_value(found, head=str(found))
