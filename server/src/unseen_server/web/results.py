"""Results that are sent to other systems: what waits, what is kept, what could not be sent; for leads and admins."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from unseen.artifacts import LIMITS
from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.outbox import Sending

router = APIRouter(prefix="/results", tags=["results"])
_MOST_DEAD = 100


class Counts(BaseModel):
    """Number of results in each state."""

    waiting: int = Field(default=0, description="to be sent")
    sent: int = Field(default=0, description="accepted: waiting for confirmation")
    kept: int = Field(default=0, description="the destination has confirmed that it keeps them")
    dead: int = Field(default=0, description="could not be sent: a person has to look")
    superseded: int = Field(default=0, description="a later decision took their place before they were sent")


class DestinationResponse(BaseModel):
    """Destination of results."""

    name: str
    sources: list[str] = Field(description="whose studies; none: those of every source")
    configured: bool = Field(description="false: it is no destination any more, and has results of before")
    counts: Counts


class SendingResponse(ResponseModel, Sending):
    """The result of one decision, for one destination."""

    action: Literal["clear", "read", "not_scored"]
    state: Literal["waiting", "sent", "kept", "dead", "superseded"]


class ResultsResponse(BaseModel):
    """Results by destination and state."""

    destinations: list[DestinationResponse]
    dead: list[SendingResponse] = Field(description=f"the latest {_MOST_DEAD} that could not be sent")
    longest: list[SendingResponse] = Field(description="the ten that have waited longest for sending or confirmation")
    limits: str = Field(description=LIMITS)


@router.get("", responses=answers(401, 403, 503))
def results(parts: Parts, account: Lead) -> ResultsResponse:
    """Return the destinations with counts by state, what could not be sent, and what waits longest."""
    return _results(parts)


@router.post("/{number}/again", responses=answers(401, 403, 404, 409, 422, 503))
def again(
    parts: Parts, account: Lead, number: Annotated[int, Path(ge=1, le=2**53, description="of a result")]
) -> ResultsResponse:
    """Send a result that could not be sent once more, at once."""
    parts.store.outbox.again(number, actor=account.name)
    return _results(parts)


def _results(parts: ServerState) -> ResultsResponse:
    outbox = parts.store.outbox
    configured = {one.name: list(one.sources) for one in outbox.destinations()}
    counts = outbox.counts()
    names = [*configured, *sorted({name for name, _ in counts} - set(configured))]
    return ResultsResponse(
        destinations=[
            DestinationResponse(
                name=name,
                sources=configured.get(name, []),
                configured=name in configured,
                counts=Counts(**{state: count for (where, state), count in counts.items() if where == name}),
            )
            for name in names
        ],
        dead=[SendingResponse.model_validate(one) for one in outbox.list(state="dead", most=_MOST_DEAD)],
        longest=[SendingResponse.model_validate(one) for one in outbox.longest()],
        limits=LIMITS,
    )
