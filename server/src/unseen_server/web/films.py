"""Films: sent in, asked after, and shown."""

import logging
import time
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from unseen.screening import UNKNOWN_SOURCE
from unseen_server.web import images
from unseen_server.web.authentication import Reader, Sender, Sighted
from unseen_server.web.errors import answers
from unseen_server.web.film_source import film_source
from unseen_server.web.hidden_names import film_for
from unseen_server.web.shapes import Decided, FilmResponse, FilmStatus, Received
from unseen_server.web.state import Parts
from unseen_server.web.upload_stream import pieces, upload_of
from unseen_server.worklist.states import NotFoundError

_log = logging.getLogger("unseen")

router = APIRouter(prefix="/films", tags=["films"])
FilmId = Annotated[str, Path(max_length=40, description="f-…, as the upload answered")]
ModelId = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's weights")]

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
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "8 bits a channel"}}
_NPY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "NumPy's format: float32, (size, size)"}
}


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
            lambda: parts.store.receive(pieces(upload), name=upload.name, source=source, actor=account.name),
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
        state = (await anyio.to_thread.run_sync(parts.store.study, receipt.study)).entry.state
    return Received(
        sha256=receipt.sha256, film=receipt.film_id, study=receipt.study, state=state, already=receipt.already
    )


@router.get("/{film}", responses=answers(401, 404, 422, 503))
def status(parts: Parts, account: Reader, film: FilmId) -> FilmStatus:
    """What became of a film, and of its study."""
    rows = parts.store.page("all", text=film, limit=1).rows if film.startswith("f-") else ()
    if not rows:
        raise NotFoundError(f"There is no film {film!r} here. It may have been erased.")
    blind, promise = parts.is_blind(account.role), parts.promise()
    study = parts.store.study(rows[0].study, blind=blind, reader=account.name)
    found = study.film(film)
    return FilmStatus(
        film=film_for(parts, account, FilmResponse.of(found, promise)),
        study=parts.ranks.row(study.entry, promise, blind=blind),
        decision=Decided.of(study.decision, promise),
    )


@router.get("/{film}/preview.png", response_class=Response, responses=PNG | answers(401, 404, 422, 503))
def preview(
    parts: Parts,
    account: Reader,
    film: FilmId,
    size: Annotated[int, Query(ge=64, le=4096, description="pixels of its longer side, at most")] = 1024,
) -> Response:
    """The film as a grey image, dense parts white: its 0.5th to 99.5th percentile, for looking at, not for reading.

    Decoded in a process of its own, by content; 422 with the reason where it cannot be.
    """
    with parts.pictures:
        shown = images.preview(parts.store.film_path(film), film, size=size)
    return Response(shown, media_type="image/png")


@router.get("/{film}/map.npy", response_class=Response, responses=_NPY | answers(401, 403, 404, 422, 503))
def map_numbers(parts: Parts, account: Sighted, film: FilmId, model: ModelId = None) -> Response:
    """The anomaly map as numbers, on the network's grid: the latest, or that of `model`."""
    data = images.numbers(parts.store.map_path(film, model))
    return Response(data, media_type="application/octet-stream")


@router.get("/{film}/map.png", response_class=Response, responses=PNG | answers(401, 403, 404, 422, 503))
def map_picture(
    parts: Parts,
    account: Sighted,
    film: FilmId,
    model: ModelId = None,
    colours: Annotated[Literal["grey", "cividis"], Query(description="cividis reads alike with every eye")] = "grey",
    high: Annotated[
        float | None, Query(gt=0, le=1e30, allow_inf_nan=False, description="white; by default the map's own maximum")
    ] = None,
) -> Response:
    """The anomaly map as an image: 0 is black. The header X-Map-High holds the value that is white."""
    shown, top = images.map_picture(parts.store.map_path(film, model), coloured=colours == "cividis", high=high)
    return Response(shown, media_type="image/png", headers={"X-Map-High": f"{top:.6g}"})
