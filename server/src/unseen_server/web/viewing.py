"""What the viewer shows of a film: its samples at full size, its thumbnail, what models made of it, and why.

Samples and thumbnails are every reader's. Scores, maps and overlays are not for whoever must not see what would tell
sampled studies from the others (`who.Sighted`); `look` leaves them out there.
"""

from __future__ import annotations

import gzip
import hmac
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from unseen.artifacts import FLAGGED_FROM
from unseen.screening import claimed_source
from unseen_server.web import images
from unseen_server.web.accounts import Reader, Sighted
from unseen_server.web.errors import answers
from unseen_server.web.films import PNG, FilmId
from unseen_server.web.listed_page import ReferenceResponse
from unseen_server.web.sentences import in_words, reading_of
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.details import StoredFilm, StoredFinding, Study
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.renditions import Rendition

router = APIRouter(prefix="/films", tags=["viewing"])
Role = Literal["decides", "compares", "earlier"]
_ORDER: dict[Role, int] = {"decides": 0, "compares": 1, "earlier": 2}
_BINS = 32
_SAMPLES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI's objects
    200: {
        "content": {"application/octet-stream": {}},
        "description": "unsigned 16-bit integers, little-endian, row by row, from the top left; or their residuals: "
        "each sample's difference from its prediction, all low bytes and then all high bytes (`web.images`)",
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


class Histogram(BaseModel):
    """Bars; `counts[i]` lies between `edges[i]` and `edges[i + 1]`."""

    edges: list[float]
    counts: list[int]


class Compared(ReferenceResponse):
    """The scores with which a film's is compared."""

    histogram: Histogram | None = Field(description="null where there are none")


class ModelLook(BaseModel):
    """One model's finding on the film."""

    model: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="its bundle's folder")
    role: Role = Field(description="earlier: it is no longer in use here")
    score: float | None
    rank: float | None = Field(description="the share of the reference that scores lower, 0 to 1; null: no reference")
    high: bool = Field(description="from the 95th percentile on")
    sentence: str = Field(description="the percentile and its reference in words; the reason where there is none")
    reference: Compared
    threshold: float | None = Field(description="of the film's source: below it the policy clears; null without one")
    box: tuple[float, float, float, float] | None = Field(description="top, left, bottom, right on the film, in pixels")
    inner: tuple[int, int, int, int] | None = Field(description="top, left, height, width of the box on the images")
    map_high: float | None = Field(description="99.5 % of the map lies below: its brightest colour; null without a map")
    renditions: bool = Field(description="whether image and lungs are kept, and what else the model makes")
    gives_back: bool = Field(description="whether reconstruction and residual are kept: not every model makes them")


class Near(BaseModel):
    """A film of a study that a reader reported normal."""

    film: str
    study: str
    distance: float = Field(description="between small copies of the lungs' boxes, 0 (the same) to 1")


class Look(BaseModel):
    """The side panel."""

    film: str
    study: str
    blind: bool = Field(description="everything below is left out, since it would tell sampled studies")
    words: list[str] = Field(description="the row's sentence, the decision on the study, what is promised")
    flag: bool = Field(description="the study is to be read earlier; also for whoever is blind")
    reference: ReferenceResponse | None = Field(description="of every percentile here; null without a score")
    probability: float | None = Field(description="of being abnormal; null where no prevalence was entered for it")
    prevalence: float | None = Field(description="of abnormal studies, which the probability assumes; null likewise")
    models: list[ModelLook] = Field(description="the one that decides first")
    nearest: list[Near] = Field(description="the nearest first")


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
    """The film at its full size and depth, for a page that applies the window itself.

    Decoded in a process of its own, by content; 422 with the reason where it cannot be.
    """
    found = parts.decoded.film(parts.store.film_path(film), frame)
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


class Painted(BaseModel):
    """The proof that the page had the film's pixels."""

    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(max_length=100, description="the header X-Film-Ticket of the film's pixels")
    further: list[Annotated[str, Field(max_length=100)]] = Field(
        default=[], max_length=64, description="those of the file's other frames, in their order"
    )


@router.post("/{film}/seen", status_code=204, responses=answers(400, 401, 403, 404, 409, 422, 503))
def seen(parts: Parts, account: Reader, film: FilmId, painted: Painted) -> None:
    """The film's pixels were painted for the asker. Only whom all frontal films were shown to can report a study."""
    path = parts.store.film_path(film)  # 404 where there is none
    given = [painted.ticket, *painted.further]
    wanted = [_ticket(parts, film, account.name, frame) for frame in range(parts.decoded.film(path).frames)]
    if not hmac.compare_digest("\n".join(given).encode(), "\n".join(wanted).encode()):
        raise NotAllowedError(
            "This ticket is not the one that came with the film's pixels for this account, or a frame is missing. "
            "Fetch the film again."
        )
    parts.store.mark_seen(film, account.name)


def _ticket(parts: ServerState, film: str, account: str, frame: int) -> str:
    """What whoever was sent a film's pixels can give back, and nobody else: bound to the film and to the account."""
    return parts.store.names.sealed("film", f"pixels of {film} {frame} for {account}")


@router.get("/{film}/thumbnail.png", response_class=Response, responses=PNG | answers(401, 404, 422, 503))
def thumbnail(parts: Parts, account: Reader, film: FilmId) -> Response:
    """A small image of the film, as a worker kept it; 404 before one has read it."""
    return Response(parts.store.thumbnail(film), media_type="image/png")


@router.get("/{film}/rendition/{what}", response_class=Response, responses=PNG | answers(401, 403, 404, 422, 503))
def rendition(
    parts: Parts,
    account: Sighted,
    film: FilmId,
    what: Annotated[Literal["image", "reconstruction", "residual", "lungs", "inside"], Path()],
    model: Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of the model's weights")],
) -> Response:
    """What a model saw of the film and made of it, on the network's grid, 8 bits.

    image and reconstruction share one scale, so that they can be compared; residual is their difference, 0 is black;
    lungs, and inside, which is what the model judges, are 255. X-Image-Low and X-Image-High say what is black and
    what is white.
    """
    shown, (low, high) = images.rendition(parts.store.rendition(film, model), what)
    headers = {"X-Picture-Low": f"{low:.6g}", "X-Picture-High": f"{high:.6g}"}
    return Response(shown, media_type="image/png", headers=headers)


@router.get("/{film}/look", responses=answers(401, 404, 422, 503))
def look(parts: Parts, account: Reader, film: FilmId) -> Look:
    """What is known of a film beside its pixels, in one answer."""
    rows = parts.store.page("all", text=film, limit=1).rows if film.startswith("f-") else ()
    if not rows:
        raise NotFoundError(f"There is no film {film!r} here. It may have been erased.")
    blind = parts.is_blind(account.role)
    study = parts.store.study(rows[0].study, blind=blind)
    row = parts.ranks.row(study.entry, parts.promise(), blind=blind)
    nothing = Look(
        film=film, study=row.study, blind=blind, words=[], flag=row.flag, reference=None, probability=None,
        prevalence=None, models=[], nearest=[],
    )  # fmt: skip
    return nothing if blind else _seen(parts, study, study.film(film), nothing)


def _seen(parts: ServerState, study: Study, film: StoredFilm, nothing: Look) -> Look:
    models = [_model(parts, film, finding) for finding in film.findings]
    models.sort(key=lambda model: _ORDER[model.role])
    decision = study.decision
    promise = parts.promise()
    entry = study.entry
    shown = promise.probability(entry.policy, entry.probability)
    reading = reading_of(entry, rank=parts.ranks.of(entry.model, entry.score), blind=False, early=False)
    reference = None if entry.model is None else parts.ranks.known(entry.model)
    words = in_words(decision, reading, reference, promise=promise, sampled=bool(study.audit_sample))
    if decision is not None and decision.action != "not_scored" and models and models[0].score is None:
        words.append("" if film.decision is None else f"Of this film: {film.decision.reason}.")
    return nothing.model_copy(
        update={
            "words": [one for one in words if one],
            "flag": reading.flag,
            "reference": None
            if reference is None or entry.model is None
            else ReferenceResponse.of(reference, of_site=parts.ranks.is_of_site(entry.model)),
            "probability": shown,
            "prevalence": None if shown is None else promise.prevalence,
            "models": models,
            "nearest": _nearest(parts, film.film),
        }
    )


def _model(parts: ServerState, film: StoredFilm, finding: StoredFinding) -> ModelLook:
    name, role = _called(parts, finding.model)
    reference = parts.ranks.known(finding.model)
    scored = finding.score is not None
    rank = reference.share(finding.score)
    threshold = _threshold(parts, film) if role == "decides" else None
    kept = _rendition(parts, film.film, finding.model) if scored else None
    return ModelLook(
        model=finding.model,
        name=name,
        role=role,
        score=finding.score,
        rank=rank,
        high=rank is not None and rank >= FLAGGED_FROM,
        sentence=reference.sentence(finding.score),
        reference=Compared(
            **vars(ReferenceResponse.of(reference, of_site=parts.ranks.is_of_site(finding.model))),
            histogram=_histogram(reference.scores, finding.score, threshold),
        ),
        threshold=threshold,
        box=finding.box,
        inner=finding.inner,
        map_high=_map_high(parts, film.film, finding) if scored else None,
        renditions=kept is not None,
        gives_back=kept is not None and kept.reconstruction is not None,
    )


def _called(parts: ServerState, model: str) -> tuple[str, Role]:
    """A model's name for people, its bundle's folder, and what it is here; else the beginning of its digest."""
    if parts.models is None:
        return model[:12], "compares"
    if model not in parts.models.named:
        return model[:12], "earlier"
    name, card = parts.models.named[model]
    return name, "decides" if card is parts.models.card else "compares"


def _threshold(parts: ServerState, film: StoredFilm) -> float | None:
    policy = None if parts.models is None else parts.models.policy
    if policy is None:
        return None
    fixed = parts.store.accounts.fixed_sources() if policy.source_tag else ()
    calibrated = policy.sources.get(claimed_source(film.tags, film.source, tag=policy.source_tag, fixed=fixed))
    return None if calibrated is None else calibrated.threshold


def _histogram(scores: tuple[float, ...], *marks: float | None) -> Histogram | None:
    """Even bars over the scores and the marks that are drawn among them."""
    if not scores:
        return None
    ends = [*scores, *(mark for mark in marks if mark is not None)]
    low, high = min(ends), max(ends)
    counts, edges = np.histogram(scores, bins=_BINS, range=(low, high if high > low else low + 1))
    return Histogram(edges=[float(edge) for edge in edges], counts=[int(count) for count in counts])


def _map_high(parts: ServerState, film: str, finding: StoredFinding) -> float | None:
    if finding.map_sha256 is None:
        return None
    try:
        return images.brightest(parts.store.map_path(film, finding.model))
    except NotFoundError:
        return None


def _rendition(parts: ServerState, film: str, model: str) -> Rendition | None:
    try:
        return parts.store.rendition(film, model)
    except WorklistError:  # none, or a damaged one: the rest can be shown all the same
        return None


def _nearest(parts: ServerState, film: str) -> list[Near]:
    try:
        found = parts.store.nearest(film)
    except NotFoundError:  # no worker has read it
        return []
    return [Near(film=near.film, study=near.study, distance=near.distance) for near in found]
