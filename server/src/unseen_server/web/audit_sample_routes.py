"""Routes of the audit sample: cleared studies that are read anyway."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen.evaluation import Interval
from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts
from unseen_server.worklist.audit_sample import audited

router = APIRouter()


class ShareResponse(BaseModel):
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


class Sample(BaseModel):
    """Cleared studies that were read all the same."""

    waiting: int
    read: int
    abnormal: int
    unsure: int
    share: ShareResponse | None = Field(description="of abnormal ones; null while too few were read")
    missing: str = Field(description='why there is no share; "" otherwise')


@router.get("/audit/sample", tags=["audit"], responses=answers(401, 403, 503))
def sample(parts: Parts, account: Lead) -> Sample:
    """Readers' reports on the cleared studies that were read anyway: the share of abnormal ones so far."""
    found = parts.store.reports.audit_sample()
    share = found.share
    return Sample(
        waiting=found.waiting,
        read=found.read,
        abnormal=found.abnormal,
        unsure=found.unsure,
        share=ShareResponse(value=share.value, low=share.low, high=share.high) if isinstance(share, Interval) else None,
        missing="" if isinstance(share, Interval) else share.reason,
    )


class Point(BaseModel):
    """The audit sample after a reading."""

    time: datetime
    read: int
    abnormal: int
    share: ShareResponse


class Grown(BaseModel):
    """The audit sample as it grew, oldest first; of a long one some points evenly along it."""

    points: list[Point]


@router.get("/audit/sample/growth", tags=["drift"], responses=answers(401, 403, 503))
def growth(parts: Parts, account: Lead) -> Grown:
    """Return the audit sample as it grew: the share of abnormal studies among the cleared ones that were read, and what
    of it is known.
    """
    return Grown(
        points=[
            Point(
                time=point.time,
                read=point.read,
                abnormal=point.abnormal,
                share=ShareResponse(value=point.share.value, low=point.share.low, high=point.share.high),
            )
            for point in audited(parts.store.database)
            if isinstance(point.share, Interval)
        ]
    )
