"""Route of the workers' queue, with the films that failed."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Admin
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.job_queue import Failed

router = APIRouter(tags=["administration"])


class FailedResponse(ResponseModel, Failed):
    """A film that failed."""


class QueueDetail(BaseModel):
    """The queue of the workers."""

    waiting: int = Field(description="for a worker, those that are with one included")
    running: int = Field(description="with a worker now")
    done: int
    dead: int = Field(description="given up; `unseen` tries a film five times")
    oldest_s: float | None = Field(description="for how long the oldest waiting one has waited")
    workers: int | None = Field(description="that this server has started and that run; null: it starts none")
    failed: list[FailedResponse] = Field(description="the latest fifty")


@router.get("/queue", responses=answers(401, 403, 503))
def queue(parts: Parts, account: Admin) -> QueueDetail:
    """Films that wait, run, are done, and failed."""
    found = parts.store.jobs.counts()
    return QueueDetail(
        waiting=found.waiting,
        running=found.running,
        done=found.done,
        dead=found.dead,
        oldest_s=found.oldest_s,
        workers=None if parts.workers is None else parts.workers.status().running,
        failed=[FailedResponse.model_validate(one, from_attributes=True) for one in parts.store.jobs.failed()],
    )
