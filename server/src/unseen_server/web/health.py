"""Health of the server, for monitoring systems."""

from __future__ import annotations

import shutil
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from unseen import __version__
from unseen.artifacts import LIMITS
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.hidden_places import without_places
from unseen_server.worklist.readiness import NO_ROOM, has_room
from unseen_server.worklist.states import DamagedError, WorklistError

router = APIRouter(tags=["health"])


class QueueResponse(BaseModel):
    """Films that wait for a worker, are done, and could not be scored; how old the oldest waiting one is."""

    waiting: int
    done: int
    dead: int
    oldest_s: float | None


class Disk(BaseModel):
    """The disk that films lie on."""

    free_bytes: int
    total_bytes: int


class WorkersResponse(BaseModel):
    """The worker processes that this server has started; it does not know workers that were started manually."""

    wanted: int
    running: int
    ready: int = Field(description="have loaded their model")


class Health(BaseModel):
    """ok: films are received and scored; impaired: something is wrong, and `problems` lists it."""

    status: Literal["ok", "impaired"]
    problems: list[str]
    version: str
    limits: str = Field(description=LIMITS)
    database: Literal["ok", "out of reach", "damaged"]
    queue: QueueResponse | None
    disk: Disk
    workers: WorkersResponse | None = Field(description="null where workers are started manually")


@router.get("/health", responses={503: {"model": Health, "description": "the database is out of reach or damaged"}})
def health(response: Response, parts: Parts) -> Health:
    """Return the state of the server. No sign-in is needed; the answer holds nothing about any patient."""
    found = _health(parts)
    if found.database != "ok":
        response.status_code = 503
    return found


def _health(parts: ServerState) -> Health:
    problems = []
    queue = None
    database: Literal["ok", "out of reach", "damaged"] = "ok"
    try:
        found = parts.store.jobs.counts()
        queue = QueueResponse(waiting=found.waiting, done=found.done, dead=found.dead, oldest_s=found.oldest_s)
    except DamagedError as error:
        database = "damaged"
        problems.append(without_places(str(error), parts.store))
    except WorklistError:
        database = "out of reach"
        problems.append("The database is out of reach.")
    disk = shutil.disk_usage(parts.store.home)
    if not has_room(parts.store):
        problems.append(NO_ROOM)
    workers = None if parts.workers is None else parts.workers.status()
    if workers is not None and workers.problem:
        problems.append("A worker cannot score. See the server's log.")
    if workers is not None and workers.stopped:
        problems.append(f"Nothing is cleared: {workers.stopped}.")
    if workers is not None and workers.running < workers.wanted:
        problems.append("Not all workers run; they are started again.")
    return Health(
        status="impaired" if problems else "ok",
        problems=problems,
        version=__version__,
        limits=LIMITS,
        database=database,
        queue=queue,
        disk=Disk(free_bytes=disk.free, total_bytes=disk.total),
        workers=None
        if workers is None
        else WorkersResponse(wanted=workers.wanted, running=workers.running, ready=workers.ready),
    )
