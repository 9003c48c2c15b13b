"""How the server is, for whoever watches over it; and what scores, for whoever reads."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from unseen import __version__
from unseen.artifacts.installation import LIMITS
from unseen.web.accounts import SCHEMES, Reader
from unseen.web.errors import answers
from unseen.web.served import Parts, Served
from unseen.worklist.states import WorklistError

if TYPE_CHECKING:
    from unseen.artifacts.bundle import Card
    from unseen.screening.policy import Policy

router = APIRouter(tags=["health"])


class QueueTold(BaseModel):
    """Films that wait for a worker, are done, and could not be scored; how old the oldest waiting one is."""

    waiting: int
    done: int
    dead: int
    oldest_s: float | None


class Disk(BaseModel):
    """The disk that films lie on."""

    free_bytes: int
    total_bytes: int


class WorkersTold(BaseModel):
    """The worker processes that this server has started; those started by hand are not known to it."""

    wanted: int
    running: int
    ready: int = Field(description="have loaded their model")


class Health(BaseModel):
    """ok: films are received and scored; impaired: something is wrong, and `problems` says what."""

    status: Literal["ok", "impaired"]
    problems: list[str]
    version: str
    limits: str = Field(description=LIMITS)
    database: Literal["ok", "out of reach"]
    queue: QueueTold | None
    disk: Disk
    workers: WorkersTold | None = Field(description="null where workers are started by hand")


class PolicyTold(BaseModel):
    """What a site has calibrated."""

    digest: str
    max_miss_rate: float
    confidence: float
    sources: list[str]
    created: str


class ModelTold(BaseModel):
    """What scores, and what may be cleared."""

    name: str
    role: Literal["decides", "compares"] = Field(description="compares: its scores are kept, and decide nothing")
    key: str = Field(description="of the method, such as roi-sure")
    size: int | None = Field(description="the side of its grid in pixels; null where its card does not say")
    frame: str | None = Field(description="what it looks at: lungs, or whole; null where its card does not say")
    weights_sha256: str
    licence: str
    limits: str
    policy: PolicyTold | None = Field(description="null: films are ranked, and none is cleared")


class ModelsTold(BaseModel):
    """The models of the workers that this server has started."""

    models: list[ModelTold]


@router.get("/health", responses={503: {"model": Health, "description": "the database is out of reach"}})
def health(response: Response, parts: Parts) -> Health:
    """How the server is. No sign-in is needed, and nothing of any patient is said."""
    told = _health(parts)
    if told.database != "ok":
        response.status_code = 503
    return told


@router.get("/models", dependencies=[*SCHEMES], responses=answers(401, 503))
def models(parts: Parts, account: Reader) -> ModelsTold:
    """Which models and policy the workers of this server score with; the first decides."""
    found = parts.models
    if found is None:
        return ModelsTold(models=[])
    (name, card), *others = found.named.values()
    further = [_told(*one, None, "compares") for one in others]
    return ModelsTold(models=[_told(name, card, found.policy, "decides"), *further])


def _told(name: str, card: Card, policy: Policy | None, role: Literal["decides", "compares"]) -> ModelTold:
    view = card.view or {}
    size, frame = view.get("size"), view.get("frame")
    return ModelTold(
        name=name,
        role=role,
        key=card.name,
        size=size if isinstance(size, int) else None,
        frame=frame if isinstance(frame, str) else None,
        weights_sha256=card.weights_sha256,
        licence=card.licence,
        limits=card.limits,
        policy=None
        if policy is None
        else PolicyTold(
            digest=policy.digest,
            max_miss_rate=policy.max_miss_rate,
            confidence=policy.confidence,
            sources=sorted(policy.sources),
            created=policy.created,
        ),
    )


def _health(parts: Served) -> Health:
    problems = []
    queue = None
    try:
        found = parts.store.queue()
        queue = QueueTold(waiting=found.waiting, done=found.done, dead=found.dead, oldest_s=found.oldest_s)
    except WorklistError:
        problems.append("The database is out of reach.")
    disk = shutil.disk_usage(parts.store.home)
    if disk.free < parts.store.max_film_bytes:
        problems.append("The disk has less room than one film may take.")
    staff = None if parts.workers is None else parts.workers.staff()
    if staff is not None and staff.problem:
        problems.append("A worker cannot score; the server's log says why.")
    if staff is not None and staff.running < staff.wanted:
        problems.append("Not all workers run; they are started again.")
    return Health(
        status="impaired" if problems else "ok",
        problems=problems,
        version=__version__,
        limits=LIMITS,
        database="out of reach" if queue is None else "ok",
        queue=queue,
        disk=Disk(free_bytes=disk.free, total_bytes=disk.total),
        workers=None if staff is None else WorkersTold(wanted=staff.wanted, running=staff.running, ready=staff.ready),
    )
