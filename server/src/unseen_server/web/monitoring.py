"""What a lead watches over: audit trail, audit sample, drift alarms and charts.

What a lead looks at to see whether things have changed: late scores beside the calibration's, and the audit sample
as it grew. Alarms, and acknowledging them, are in `auditing`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from unseen.evaluation import Interval
from unseen_server.web.accounts import Lead
from unseen_server.web.errors import answers, without_places
from unseen_server.web.starting import Summary, of_alarm
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.audit import Head
from unseen_server.worklist.audit_sample import audited
from unseen_server.worklist.drift_alarms import watched
from unseen_server.worklist.score_blocks import BLOCK, FILMS, blocks

router = APIRouter(tags=["audit"])


class HeadResponse(BaseModel):
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
    head: HeadResponse


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


class AlarmResponse(BaseModel):
    """Why nothing is cleared by a policy at present."""

    model_config = ConfigDict(from_attributes=True)

    policy: str = Field(description="its digest")
    kind: str = Field(description="scores, or refusals")
    reason: str
    since: datetime
    first_by: str | None = Field(description="who has acknowledged it; a second person ends it")
    first: datetime | None
    first_note: str
    mine: bool = Field(default=False, description="the asker has acknowledged it, and cannot end it alone")
    summary: Summary | None = Field(default=None, description="what starts and stops when it ends now")


class Alarms(BaseModel):
    """Drift alarms that two people have not acknowledged."""

    alarms: list[AlarmResponse]


class Looked(BaseModel):
    """What was found when somebody looked."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=1000, pattern=r"\S", description="what was looked at; never empty")]
    summary: str = Field(max_length=64, description="the digest of the summary that was read")


class Ended(BaseModel):
    """Whether the alarm is over."""

    resumed: bool = Field(description="clearing has started again; false: a second person must acknowledge it, too")


@router.get("/audit/head", responses=answers(401, 403, 503))
def head(parts: Parts, account: Lead) -> HeadResponse:
    """Where the audit trail ends."""
    return _head(parts.store.audit_head())


@router.post("/audit/verify", responses=answers(400, 401, 403, 422, 503))
def verify(parts: Parts, account: Lead, given: HeadGiven) -> Verified:
    """Check the whole trail; with many rows this takes a while. That it was checked, and the result, is on record."""
    known = None if given.head is None else Head.parse(given.head)
    broken = parts.store.verify_audit(known, actor=account.name)
    problem = None if broken is None else without_places(broken, parts.store)
    return Verified(whole=broken is None, problem=problem, head=_head(parts.store.audit_head()))


@router.get("/audit/sample", responses=answers(401, 403, 503))
def sample(parts: Parts, account: Lead) -> Sample:
    """Readers' reports on the cleared studies that were read anyway: the share of abnormal ones so far."""
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
    return Alarms(
        alarms=[
            AlarmResponse.model_validate(alarm).model_copy(
                update={
                    "mine": alarm.first_by == account.name,
                    "summary": Summary.model_validate(of_alarm(parts, alarm)),
                }
            )
            for alarm in parts.store.alarms()
        ]
    )


PolicyDigest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]


@router.post("/alarms/{policy}/acknowledge", responses=answers(400, 401, 403, 404, 409, 422, 503))
def acknowledge(parts: Parts, account: Lead, policy: PolicyDigest, looked: Looked) -> Ended:
    """A person has looked. The first one's note is kept and the alarm stands; with the second one's the policy clears
    again."""
    alarm = next((one for one in parts.store.alarms() if one.policy == policy), None)
    if alarm is not None:
        of_alarm(parts, alarm).check(looked.summary, note=looked.note)
    return Ended(resumed=parts.store.acknowledge_alarm(policy, actor=account.name, note=looked.note))


@router.post("/alarms/{policy}/withdraw", status_code=204, responses=answers(401, 403, 404, 422, 503))
def withdraw(parts: Parts, account: Lead, policy: PolicyDigest) -> None:
    """Take back the first acknowledgement; the alarm stands."""
    parts.store.withdraw_acknowledgement(policy, actor=account.name)


def _head(found: Head) -> HeadResponse:
    return HeadResponse(seq=found.seq, hash=found.hash, head=str(found))


drift_router = APIRouter(tags=["drift"])

UPPER = 0.95
"""Of normal films, the share whose scores lie below the limit over which late films are counted."""


class BlockResponse(BaseModel):
    """Some films that were scored one after the other."""

    model_config = ConfigDict(from_attributes=True)

    first: datetime
    last: datetime
    scored: int
    refused: int
    quartiles: tuple[float, float, float] | None = Field(description="25, 50, 75 % of the scores; null without any")
    above: int = Field(description="scores above the limit")


class ReferenceResponse(BaseModel):
    """What late scores are compared with."""

    words: str = Field(description="whose scores they are")
    median: float
    limit: float = Field(description="95 % of normal ones lie below")
    expected: float = Field(description="share of films above the limit, were they all like these")


class Drift(BaseModel):
    """The scores of the model that decides, of late."""

    model: str | None = Field(description="SHA-256 of its weights; null where this server has none")
    model_name: str
    policy: str | None = Field(description="digest of the policy that it clears by; null without one")
    reference: ReferenceResponse | None = Field(description="null while nothing is known to compare with")
    blocks: list[BlockResponse] = Field(description=f"the latest {FILMS} films, {BLOCK} each, oldest first")
    window: int | None = Field(description="studies that the drift watch tests together; null without a policy")
    windows: int = Field(description="windows that are whole")
    studies: int = Field(description="studies in the one that is not")


class Point(BaseModel):
    """The audit sample after a reading."""

    time: datetime
    read: int
    abnormal: int
    share: Share


class Grown(BaseModel):
    """The audit sample as it grew, oldest first; of a long one some points evenly along it."""

    points: list[Point]


@drift_router.get("/drift", responses=answers(401, 403, 503))
def drift(parts: Parts, account: Lead) -> Drift:
    """Late scores, in blocks, beside those of the calibration."""
    if parts.models is None:
        return Drift(
            model=None, model_name="", policy=None, reference=None, blocks=[], window=None, windows=0, studies=0
        )
    card, policy = parts.models.card, parts.models.policy
    reference = _reference(parts)
    state = None if policy is None else watched(parts.store.database, policy.digest)
    limit = None if reference is None else reference.limit
    return Drift(
        model=card.weights_sha256,
        model_name=parts.models.folder.name,
        policy=None if policy is None else policy.digest,
        reference=reference,
        blocks=[
            BlockResponse.model_validate(block)
            for block in blocks(parts.store.database, card.weights_sha256, above=limit)
        ],
        window=None if policy is None or policy.drift is None else policy.drift.window,
        windows=0 if state is None else state.windows,
        studies=0 if state is None else state.studies,
    )


@drift_router.get("/audit/sample/growth", responses=answers(401, 403, 503))
def growth(parts: Parts, account: Lead) -> Grown:
    """The audit sample as it grew: the share of abnormal studies among the cleared ones that were read, and what of
    it is known."""
    return Grown(
        points=[
            Point(
                time=point.time,
                read=point.read,
                abnormal=point.abnormal,
                share=Share(value=point.share.value, low=point.share.low, high=point.share.high),
            )
            for point in audited(parts.store.database)
            if isinstance(point.share, Interval)
        ]
    )


def _reference(parts: ServerState) -> ReferenceResponse | None:
    assert parts.models is not None
    known = parts.ranks.of_site(parts.models.card.weights_sha256)
    return _of(known.scores, known.words) if known.scores else None


def _of(scores: Sequence[float], words: str) -> ReferenceResponse:
    limit = float(np.quantile(scores, UPPER))
    return ReferenceResponse(
        words=words,
        median=float(np.median(scores)),
        limit=limit,
        expected=float((np.asarray(scores) > limit).mean()),
    )
