"""News for pages that are open: one line whenever something in the worklist has changed (server-sent events)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from unseen.web.errors import answers
from unseen.web.served import Parts, Served
from unseen.web.who import Reader

router = APIRouter(tags=["events"])
_STEP_S = 0.2
_ALIVE_S = 15.0  # proxies hang up on streams that are silent


@router.get("/events", response_class=StreamingResponse, responses=answers(401, 503))
async def events(parts: Parts, account: Reader) -> StreamingResponse:
    """A stream of `changed` events; each says the number of the latest change, and nothing of what it was."""
    return StreamingResponse(_stream(parts), media_type="text/event-stream")


async def _stream(parts: Served) -> AsyncIterator[str]:
    told, spoke = await anyio.to_thread.run_sync(parts.pulse.latest), time.monotonic()
    yield "retry: 2000\n\n"  # what changes once this was heard is news
    while not parts.stopping.is_set():
        await anyio.sleep(_STEP_S)
        seen = await anyio.to_thread.run_sync(parts.pulse.latest)
        if seen != told:
            told, spoke = seen, time.monotonic()
            yield f"event: changed\ndata: {json.dumps({'seq': seen})}\n\n"
        elif time.monotonic() - spoke > _ALIVE_S:
            spoke = time.monotonic()
            yield ": still here\n\n"
