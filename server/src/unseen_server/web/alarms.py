"""Routes of the drift alarms."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Lead
from unseen_server.web.clearing_summary import Summary, of_alarm
from unseen_server.web.confirmation import Confirmation
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.drift_alarms import StandingAlarm

router = APIRouter(tags=["audit"])


class AlarmResponse(ResponseModel, StandingAlarm):
    """Drift alarm that stops a policy from clearing."""

    mine: bool = Field(default=False, description="the asker has acknowledged it, and cannot end it alone")
    summary: Summary | None = Field(default=None, description="what starts and stops when it ends now")


class Alarms(BaseModel):
    """Drift alarms that two people have not acknowledged."""

    alarms: list[AlarmResponse]


class Looked(Confirmation):
    """Note of a person who has looked at an alarm."""


class Ended(BaseModel):
    """State of the alarm after an acknowledgement."""

    resumed: bool = Field(description="clearing has started again; false: a second person must acknowledge it, too")


@router.get("/alarms", responses=answers(401, 403, 503))
def alarms(parts: Parts, account: Lead) -> Alarms:
    """Return the policies that clear nothing at present, because scores or refusals have drifted since the
    calibration.
    """
    return Alarms(
        alarms=[
            AlarmResponse.model_validate(alarm).model_copy(
                update={
                    "mine": alarm.first_by == account.name,
                    "summary": Summary.model_validate(of_alarm(parts, alarm)),
                }
            )
            for alarm in parts.store.alarms.standing()
        ]
    )


PolicyDigest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]


@router.post("/alarms/{policy}/acknowledge", responses=answers(400, 401, 403, 404, 409, 422, 503))
def acknowledge(parts: Parts, account: Lead, policy: PolicyDigest, looked: Looked) -> Ended:
    """Record that a person has looked.

    The first one's note is kept and the alarm stands; with the second one's the policy clears again.
    """
    alarm = next((one for one in parts.store.alarms.standing() if one.policy == policy), None)
    if alarm is not None:
        of_alarm(parts, alarm).check(looked.summary, note=looked.note)
    return Ended(resumed=parts.store.alarms.acknowledge(policy, actor=account.name, note=looked.note))


@router.post("/alarms/{policy}/withdraw", status_code=204, responses=answers(401, 403, 404, 422, 503))
def withdraw(parts: Parts, account: Lead, policy: PolicyDigest) -> None:
    """Take back the first acknowledgement; the alarm stands."""
    parts.store.alarms.withdraw_acknowledgement(policy, actor=account.name)
