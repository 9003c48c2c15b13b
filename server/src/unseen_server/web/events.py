"""Stream of events for open pages (server-sent events): one line for each change until the session ends."""

import json
import time
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from unseen_server.web.authentication import Reader, token_of
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import WorklistError

router = APIRouter(tags=["events"])
_STEP_S = 0.2
_CHECKED_S = 15.0  # between two checks that the session is open
_ALIVE_S = 15.0  # proxies close streams that are silent, and a page takes a silent stream for a lost connection


@router.get("/events", response_class=StreamingResponse, responses=answers(401, 503))
async def events(request: Request, parts: Parts, account: Reader) -> StreamingResponse:
    """Return a stream of `changed` events; each holds the number of the latest change, and nothing else about it.

    After 15 s without a change it has an event `here`, by which a page notices that the connection is lost. It ends at
    most 15 s after the session, as by a sign-out in another tab.
    """
    token, _ = token_of(request, parts)
    return StreamingResponse(_stream(parts, token or ""), media_type="text/event-stream")


async def _stream(parts: ServerState, token: str) -> AsyncIterator[str]:
    sent, spoke = await anyio.to_thread.run_sync(parts.pulse.latest), time.monotonic()
    checked = spoke
    yield "retry: 2000\n\n"  # what changes once this was heard is news
    while not parts.stopping.is_set():
        await anyio.sleep(_STEP_S)
        if time.monotonic() - checked > _CHECKED_S:
            checked = time.monotonic()
            if not await _is_open(parts, token):
                return
        seen = await anyio.to_thread.run_sync(parts.pulse.latest)
        if seen != sent:
            sent, spoke = seen, time.monotonic()
            yield f"event: changed\ndata: {json.dumps({'seq': seen})}\n\n"
        elif time.monotonic() - spoke > _ALIVE_S:
            spoke = time.monotonic()
            yield "event: here\ndata: {}\n\n"


async def _is_open(parts: ServerState, token: str) -> bool:
    """Return True unless the session has ended; a database that does not answer ends no stream."""
    try:
        return await parts.sign_ins.look(parts.store.accounts.session, token) is not None
    except WorklistError:
        return True
