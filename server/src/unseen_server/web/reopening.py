"""Studies that were cleared among the films that raised a drift alarm, and how two people reopen them; for leads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Lead
from unseen_server.web.clearing_summary import ClearingChange, Summary, of_reopening
from unseen_server.web.confirmation import Confirmation
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.reopening import RaisedAlarm

router = APIRouter(prefix="/reopenings", tags=["audit"])
AlarmNumber = Annotated[int, Path(ge=1, le=2**53, description="of an alarm")]


class RaisedAlarmResponse(ResponseModel, RaisedAlarm):
    """A drift alarm, and what was cleared of the studies whose films raised it."""

    mine: bool = Field(default=False, description="the asker has proposed it, and cannot confirm it alone")
    summary: Summary | None = Field(default=None, description="what starts and stops when they are reopened now")


class ReopeningsResponse(BaseModel):
    """The latest alarms, the latest first."""

    alarms: list[RaisedAlarmResponse]


class Reopening(Confirmation):
    """Reason for reopening the studies."""


class ReopenedResponse(BaseModel):
    """Number of studies that went back to the list."""

    studies: int


@router.get("", responses=answers(401, 403, 503))
def reopenings(parts: Parts, account: Lead) -> ReopeningsResponse:
    """Return the latest drift alarms, each with the studies that were cleared among the films that raised it."""
    return ReopeningsResponse(
        alarms=[
            RaisedAlarmResponse.model_validate(alarm).model_copy(
                update={
                    "mine": alarm.proposed_by == account.name,
                    "summary": Summary.model_validate(of_reopening(alarm)) if alarm.cleared else None,
                }
            )
            for alarm in parts.store.alarms.raised()
        ]
    )


@router.post("/{number}/propose", status_code=204, responses=answers(400, 401, 403, 404, 409, 422, 503))
def propose(parts: Parts, account: Lead, number: AlarmNumber, wanted: Reopening) -> None:
    """Propose to reopen these studies; nothing changes before a second person has confirmed it."""
    _check(parts, number, wanted)
    parts.store.alarms.propose_reopening(number, actor=account.name, note=wanted.note)


@router.post("/{number}/confirm", responses=answers(400, 401, 403, 404, 409, 422, 503))
def confirm(parts: Parts, account: Lead, number: AlarmNumber, wanted: Reopening) -> ReopenedResponse:
    """Reopen the studies that another person has proposed to reopen: they are unread, and corrections go out."""
    _check(parts, number, wanted)
    return ReopenedResponse(studies=parts.store.alarms.reopen_cleared(number, actor=account.name, note=wanted.note))


@router.post("/{number}/withdraw", status_code=204, responses=answers(401, 403, 404, 409, 422, 503))
def withdraw(parts: Parts, account: Lead, number: AlarmNumber) -> None:
    """Take the proposal back."""
    parts.store.alarms.withdraw_reopening(number, actor=account.name)


def _check(parts: ServerState, number: int, wanted: Reopening) -> None:
    """Raise NotAllowedError where the studies are others by now than those that the asker was shown."""
    alarm = next((one for one in parts.store.alarms.raised() if one.number == number), None)
    if alarm is not None and alarm.cleared:
        change: ClearingChange = of_reopening(alarm)
        change.check(wanted.summary, note=wanted.note)
