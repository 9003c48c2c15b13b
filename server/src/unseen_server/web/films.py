"""Routes of one film: its status, a preview, and the anomaly map."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from unseen_server.web import images
from unseen_server.web.authentication import Reader, Sighted
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import film_for
from unseen_server.web.shapes import Decided, FilmResponse, FilmStatus
from unseen_server.web.state import Parts

router = APIRouter(prefix="/films", tags=["films"])
FilmId = Annotated[str, Path(max_length=40, description="f-…, as the upload answered")]
ModelId = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's weights")]
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "8 bits a channel"}}
_NPY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "NumPy's format: float32, (size, size)"}
}


@router.get("/{film}", responses=answers(401, 404, 422, 503))
def status(parts: Parts, account: Reader, film: FilmId) -> FilmStatus:
    """Return the state of a film, and of its study."""
    blind, promise = parts.is_blind(account.role), parts.promise()
    study = parts.store.studies.details(parts.store.films.study(film), blind=blind, reader=account.name)
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
    """Return the film as a grey image, dense parts white: its 0.5th to 99.5th percentile, for looking at, not for
    reading.

    Decoded in a process of its own, by content; 422 with the reason where it cannot be.
    """
    with parts.pictures:
        shown = images.preview(parts.store.films.path(film), film, size=size)
    return Response(shown, media_type="image/png")


@router.get("/{film}/map.npy", response_class=Response, responses=_NPY | answers(401, 403, 404, 422, 503))
def map_numbers(parts: Parts, account: Sighted, film: FilmId, model: ModelId = None) -> Response:
    """Return the anomaly map as numbers, on the network's grid: the latest, or that of `model`."""
    data = images.numbers(parts.store.findings.map_path(film, model))
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
    """Return the anomaly map as an image: 0 is black. The header X-Map-High holds the value that is white."""
    shown, top = images.map_picture(
        parts.store.findings.map_path(film, model), coloured=colours == "cividis", high=high
    )
    return Response(shown, media_type="image/png", headers={"X-Map-High": f"{top:.6g}"})
