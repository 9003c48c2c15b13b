"""Route that reports whether a policy clears studies at present."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts

router = APIRouter(tags=["health"])


class PromiseResponse(BaseModel):
    """Guarantee of the policy at this moment, shown to everybody."""

    state: Literal["clears", "stopped", "ranks", "no_model"] = Field(
        description="stopped: a policy is in force, and something stands against it"
    )
    words: str = Field(description="what is promised, or why nothing is")
    why: str = Field(description='why nothing is cleared; "" where the policy clears')


@router.get("/promise", responses=answers(401, 503))
def promise(parts: Parts, account: Reader) -> PromiseResponse:
    """Return whether a policy clears here at this moment, and if not, why."""
    found = parts.promise()
    return PromiseResponse(state=found.state, words=found.words, why=found.why)
