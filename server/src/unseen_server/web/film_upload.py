"""Route that receives a film."""

import logging
import time
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from unseen.screening import UNKNOWN_SOURCE
from unseen_server.web.allowed_sources import film_source
from unseen_server.web.authentication import Sender
from unseen_server.web.errors import answers
from unseen_server.web.shapes import Received
from unseen_server.web.state import Parts
from unseen_server.web.upload_stream import pieces, upload_of

_log = logging.getLogger("unseen")

router = APIRouter(prefix="/films", tags=["films"])

_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "source": {"type": "string", "maxLength": 200, "description": "before the file"},
        "name": {"type": "string", "maxLength": 1000, "description": "before the file; else the file's own"},
        "file": {"type": "string", "format": "binary"},
    },
}
_BODY: dict[str, Any] = {  # Any: OpenAPI's objects
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {"schema": _FORM},
        },
    },
    "parameters": [
        {
            "name": f"X-Film-{what}",
            "in": "header",
            "schema": {"type": "string"},
            "description": f"the film's {what.lower()}, percent-encoded UTF-8; with a body that is the film itself",
        }
        for what in ("Name", "Source")
    ],
}
_AGAIN: dict[int | str, dict[str, Any]] = {200: {"model": Received, "description": "the same bytes were here already"}}


@router.post(
    "",
    status_code=201,
    openapi_extra=_BODY,
    responses=_AGAIN | answers(400, 401, 403, 408, 413, 415, 422, 503, 507),
)
async def receive(request: Request, response: Response, parts: Parts, account: Sender) -> Received:
    """Send one film. The answer comes when the film is on the disk and in the queue: then it is not lost.

    The account fixes the source: a source that it may not send under is refused (403). An account with one source needs
    to name none.

    Formats are judged by content, never by name, and only when a worker reads the film; what cannot be read goes to
    the top of the list, with the reason. The same bytes again get the same answer, so that a sender who has heard
    nothing simply sends again.
    """
    began = time.monotonic()
    upload = upload_of(request)
    async with parts.uploads.place(account.name):
        await upload.begin()
        source = film_source(account, upload.source, default=UNKNOWN_SOURCE)
        receipt = await anyio.to_thread.run_sync(
            lambda: parts.store.films.receive(pieces(upload), name=upload.name, source=source, actor=account.name),
            limiter=anyio.CapacityLimiter(1),  # its place is taken above; other requests keep their threads
        )
    response.status_code = 200 if receipt.already else 201
    spent_ms = 1000 * (time.monotonic() - began)
    _log.info(
        "film.acknowledged id=%s already=%s bytes=%d ms=%.0f",
        receipt.film_id, receipt.already, upload.size, spent_ms,
    )  # fmt: skip
    state: Any = "received"
    if receipt.already and account.role != "sender":  # a sender must not learn what became of a film
        state = (await anyio.to_thread.run_sync(parts.store.studies.details, receipt.study)).entry.state
    return Received(
        sha256=receipt.sha256, film=receipt.film_id, study=receipt.study, state=state, already=receipt.already
    )
