"""Routes of a film's samples at full size, and of the record that they were displayed."""

from __future__ import annotations

import gzip
import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.films import FilmId
from unseen_server.web.request_model import RequestModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import NotAllowedError

router = APIRouter(prefix="/films", tags=["viewing"])
_SAMPLES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI's objects
    200: {
        "content": {"application/octet-stream": {}},
        "description": "unsigned 16-bit integers, little-endian, row by row, from the top left; or their residuals: "
        "each sample's difference from its prediction, all low bytes and then all high bytes (`web.film_residuals`)",
        "headers": {
            f"X-Film-{name}": {"schema": {"type": "number"}, "description": meaning}
            for name, meaning in {
                "Width": "columns",
                "Height": "rows",
                "Bits": "a sample lies in 0 … 2^bits − 1; white = dense, MONOCHROME1 is inverted already",
                "Low": "the sample at 0.5 % of the film's own",
                "High": "the sample at 99.5 %",
                "Spacing-Mm": "between neighbouring pixels; absent where unknown",
                "Frames": "that the file has",
            }.items()
        }
        | {
            "X-Film-Ticket": {
                "schema": {"type": "string"},
                "description": "for `POST /films/{film}/seen`, once the pixels are painted; the asker's alone",
            }
        },
    }
}


@router.get("/{film}/pixels", response_class=Response, responses=_SAMPLES | answers(401, 404, 422, 503))
def pixels(
    parts: Parts,
    account: Reader,
    film: FilmId,
    frame: Annotated[int, Query(ge=0, lt=64, description="of a file of several")] = 0,
    coding: Annotated[
        Literal["samples", "residuals"],
        Query(description="residuals: in fewer bytes, without loss, where the client accepts gzip"),
    ] = "samples",
    accept_encoding: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Return the film at its full size and depth, for a page that applies the window itself.

    Decoded in a process of its own, by content; 422 with the reason where it cannot be.
    """
    found = parts.decoded.film(parts.store.films.path(film), frame)
    facts = {
        "Width": found.width,
        "Height": found.height,
        "Bits": found.bits,
        "Low": found.low,
        "High": found.high,
        "Spacing-Mm": found.spacing_mm,
        "Frames": found.frames,
    }
    headers = {f"X-Film-{name}": f"{value:.8g}" for name, value in facts.items() if value is not None}
    headers["X-Film-Ticket"] = _ticket(parts, film, account.name, frame)
    body = found.samples
    if coding == "residuals":
        headers["Vary"] = "Accept-Encoding"
        body = found.residuals
        if "gzip" in accept_encoding:
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
    return Response(body, media_type="application/octet-stream", headers=headers)


class Painted(RequestModel):
    """The proof that the page had the film's pixels."""

    ticket: str = Field(max_length=100, description="the header X-Film-Ticket of the film's pixels")
    further: list[Annotated[str, Field(max_length=100)]] = Field(
        default=[], max_length=64, description="those of the file's other frames, in their order"
    )


@router.post("/{film}/seen", status_code=204, responses=answers(400, 401, 403, 404, 409, 422, 503))
def seen(parts: Parts, account: Reader, film: FilmId, painted: Painted) -> None:
    """Record that the film's pixels were painted for the asker.

    Only a person to whom all frontal films were shown can report a study.
    """
    path = parts.store.films.path(film)  # 404 where there is none
    given = [painted.ticket, *painted.further]
    wanted = [_ticket(parts, film, account.name, frame) for frame in range(parts.decoded.film(path).frames)]
    if not hmac.compare_digest("\n".join(given).encode(), "\n".join(wanted).encode()):
        raise NotAllowedError(
            "This ticket is not the one that came with the film's pixels for this account, or a frame is missing. "
            "Fetch the film again."
        )
    parts.store.films.mark_seen(film, account.name)


def _ticket(parts: ServerState, film: str, account: str, frame: int) -> str:
    """Return the proof that an account received a film's pixels; it is bound to both."""
    return parts.store.names.sealed("film", f"pixels of {film} {frame} for {account}")
