"""Liveness and readiness, for what starts and restarts the server: no sign-in, and no word of what is wrong.

`/health` lists the problems.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_files import write_flushed

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store

_PROBE_BYTES: Final = 4096
_ROWS_BYTES: Final = 1 << 20  # of a film's rows and of the journal of their transaction, with room to spare

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
    a worker runs where the server starts workers."""
    if _is_ready(parts):
        return Readiness(status="ready")
    response.status_code = 503
    return Readiness(status="not ready")


def _is_ready(parts: ServerState) -> bool:
    if parts.workers is not None and not parts.workers.status().running:
        return False
    probe = parts.store.films.temporary()  # the sweep removes it where this process is killed now
    try:
        parts.store.audit_head()
        if not has_room(parts.store):
            return False
        try:
            write_flushed(probe, [bytes(_PROBE_BYTES)])  # a quota, or a disk without inodes, is seen by writing alone
        finally:
            probe.unlink(missing_ok=True)
    except (WorklistError, OSError):
        return False
    return True


def has_room(store: Store) -> bool:
    """Return True if one more film fits on the disk of the films, and its rows on that of an SQLite database."""
    if shutil.disk_usage(store.home).free < store.max_film_bytes:
        return False
    return not store.database.is_sqlite or shutil.disk_usage(Path(store.database.name).parent).free >= _ROWS_BYTES
