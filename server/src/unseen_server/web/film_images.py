"""Routes of a film's thumbnail and of the input and output of a model, as PNG."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from unseen_server.web import images
from unseen_server.web.authentication import Reader, Sighted
from unseen_server.web.errors import answers
from unseen_server.web.films import PNG, FilmId
from unseen_server.web.state import Parts

router = APIRouter(prefix="/films", tags=["viewing"])


@router.get("/{film}/thumbnail.png", response_class=Response, responses=PNG | answers(401, 404, 422, 503))
def thumbnail(parts: Parts, account: Reader, film: FilmId) -> Response:
    """Return a small image of the film, as a worker kept it; 404 before one has read it."""
    return Response(parts.store.films.thumbnail(film), media_type="image/png")


@router.get("/{film}/rendition/{what}", response_class=Response, responses=PNG | answers(401, 403, 404, 422, 503))
def rendition(
    parts: Parts,
    account: Sighted,
    film: FilmId,
    what: Annotated[Literal["image", "reconstruction", "residual", "lungs", "inside"], Path()],
    model: Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's weights")],
) -> Response:
    """Return the model's input from the film, or its output, on the network's grid, 8 bits.

    image and reconstruction share one scale, so that they can be compared; residual is their difference, 0 is black;
    lungs, and inside, which is what the model judges, are 255. X-Picture-Low and X-Picture-High are the values that
    are shown black and white.
    """
    shown, (low, high) = images.rendition(parts.store.findings.rendition(film, model), what)
    headers = {"X-Picture-Low": f"{low:.6g}", "X-Picture-High": f"{high:.6g}"}
    return Response(shown, media_type="image/png", headers=headers)
