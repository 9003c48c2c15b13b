"""Stream of events for open pages: one line whenever the worklist has changed (server-sent events)."""

import json
import time
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts, ServerState

router = APIRouter(tags=["events"])
_STEP_S = 0.2
_ALIVE_S = 15.0  # proxies close streams that are silent, and a page takes a silent stream for a lost connection


@router.get("/events", response_class=StreamingResponse, responses=answers(401, 503))
async def events(parts: Parts, account: Reader) -> StreamingResponse:
    """Return a stream of `changed` events; each holds the number of the latest change, and nothing else about it.

    After 15 s without a change it has an event `here`, by which a page notices that the connection is lost.
    """
    return StreamingResponse(_stream(parts), media_type="text/event-stream")


async def _stream(parts: ServerState) -> AsyncIterator[str]:
    sent, spoke = await anyio.to_thread.run_sync(parts.pulse.latest), time.monotonic()
    yield "retry: 2000\n\n"  # what changes once this was heard is news
    while not parts.stopping.is_set():
        await anyio.sleep(_STEP_S)
        seen = await anyio.to_thread.run_sync(parts.pulse.latest)
        if seen != sent:
            sent, spoke = seen, time.monotonic()
            yield f"event: changed\ndata: {json.dumps({'seq': seen})}\n\n"
        elif time.monotonic() - spoke > _ALIVE_S:
            spoke = time.monotonic()
            yield "event: here\ndata: {}\n\n"
