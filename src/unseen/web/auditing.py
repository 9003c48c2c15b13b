"""What a lead watches over: the audit trail, the audit sample, and drift alarms, which stop clearing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from unseen.evaluation.intervals import Interval
from unseen.web.errors import answers, without_places
from unseen.web.served import Parts
from unseen.web.who import Lead
from unseen.worklist.audit import Head

router = APIRouter(tags=["audit"])


class HeadTold(BaseModel):
    """Where the trail ends. Written down elsewhere, it proves later that nothing before it was changed or removed."""

    seq: int
    hash: str
    head: str = Field(description="both in one line, as `verify` takes it")


class HeadGiven(BaseModel):
    """A head that was written down; none: the trail is checked up to the one kept beside the worklist."""

    model_config = ConfigDict(extra="forbid")

    head: str | None = Field(default=None, max_length=200)


class Verified(BaseModel):
    """Whether every row follows from the one before, up to the heads that are known."""

    whole: bool
    problem: str | None = Field(description="a sentence; null where the trail is whole")
    head: HeadTold


class Share(BaseModel):
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
    share: Share | None = Field(description="of abnormal ones; null while too few were read")
    missing: str = Field(description='why there is no share; "" otherwise')


class AlarmTold(BaseModel):
    """Why nothing is cleared by a policy at present."""

    model_config = ConfigDict(from_attributes=True)

    policy: str = Field(description="its digest")
    kind: str = Field(description="scores, or refusals")
    reason: str
    since: datetime


class Alarms(BaseModel):
    """Drift alarms that nobody has acknowledged."""

    alarms: list[AlarmTold]


class Looked(BaseModel):
    """What was found when somebody looked."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=1000)] = ""


@router.get("/audit/head", responses=answers(401, 403, 503))
def head(parts: Parts, account: Lead) -> HeadTold:
    """Where the audit trail ends."""
    return _told(parts.store.audit_head())


@router.post("/audit/verify", responses=answers(400, 401, 403, 422, 503))
def verify(parts: Parts, account: Lead, given: HeadGiven) -> Verified:
    """Check the whole trail; with many rows this takes a while."""
    known = None if given.head is None else Head.parse(given.head)
    broken = parts.store.verify_audit(known)
    told = None if broken is None else without_places(broken, parts.store)
    return Verified(whole=broken is None, problem=told, head=_told(parts.store.audit_head()))


@router.get("/audit/sample", responses=answers(401, 403, 503))
def sample(parts: Parts, account: Lead) -> Sample:
    """What readers said of the cleared studies that were read all the same: the running miss rate."""
    found = parts.store.audit_sample()
    share = found.share
    return Sample(
        waiting=found.waiting,
        read=found.read,
        abnormal=found.abnormal,
        unsure=found.unsure,
        share=Share(value=share.value, low=share.low, high=share.high) if isinstance(share, Interval) else None,
        missing="" if isinstance(share, Interval) else share.reason,
    )


@router.get("/alarms", responses=answers(401, 403, 503))
def alarms(parts: Parts, account: Lead) -> Alarms:
    """Policies that clear nothing at present, because scores or refusals have drifted since the calibration."""
    return Alarms(alarms=[AlarmTold.model_validate(alarm) for alarm in parts.store.alarms()])


@router.post("/alarms/{policy}/acknowledge", status_code=204, responses=answers(400, 401, 403, 404, 422, 503))
def acknowledge(
    parts: Parts, account: Lead, policy: Annotated[str, InPath(pattern="^[0-9a-f]{64}$")], looked: Looked
) -> None:
    """A person has looked: the policy clears again."""
    parts.store.acknowledge_alarm(policy, actor=account.name, note=looked.note)


def _told(found: Head) -> HeadTold:
    return HeadTold(seq=found.seq, hash=found.hash, head=str(found))
