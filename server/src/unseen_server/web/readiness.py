"""Liveness and readiness, for what starts and restarts the server: no sign-in, and no word of what is wrong.

`/health` lists the problems.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from unseen_server.web.state import Parts, ServerState

router = APIRouter(prefix="/health", tags=["health"])


class Liveness(BaseModel):
    """The server answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Readiness of the server to receive and score films."""

    status: Literal["ready", "not ready"]


@router.get("/live")
async def live() -> Liveness:
    """200 while the server answers. Restart it where it does not."""
    return Liveness()


@router.get("/ready", responses={503: {"model": Readiness, "description": "send it nothing yet"}})
def ready(response: Response, parts: Parts) -> Readiness:
    """200 while the database is in reach and whole, the disk has space for one more film, the folder takes files, and
    a worker runs where the server starts workers. The verdict on database, disk and folder is kept for a second."""
    if _is_ready(parts):
        return Readiness(status="ready")
    response.status_code = 503
    return Readiness(status="not ready")


def _is_ready(parts: ServerState) -> bool:
    if parts.workers is not None and not parts.workers.status().running:
        return False
    return not parts.readiness.problem()
