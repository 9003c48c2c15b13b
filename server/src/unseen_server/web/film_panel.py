"""Route of the viewer's side panel: findings of the models, percentiles and similar films.

Scores, maps and overlays are left out for accounts that must not see which studies are sampled (`Sighted`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen.artifacts import FLAGGED_FROM
from unseen.screening import claimed_source
from unseen_server.web import images
from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.films import FilmId
from unseen_server.web.list_response import ReferenceResponse
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.web.study_sentences import in_words, reading_of
from unseen_server.worklist.details import StoredFilm, StoredFinding, StudyDetails
from unseen_server.worklist.similar_films import Neighbour
from unseen_server.worklist.states import NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.renditions import Rendition

router = APIRouter(prefix="/films", tags=["viewing"])
Role = Literal["decides", "compares", "earlier"]
_ORDER: dict[Role, int] = {"decides": 0, "compares": 1, "earlier": 2}
_BINS = 32


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


class Near(ResponseModel, Neighbour):
    """A film of a study that a reader reported normal."""


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


@router.get("/{film}/look", responses=answers(401, 404, 422, 503))
def look(parts: Parts, account: Reader, film: FilmId) -> Look:
    """Return the content of the viewer's side panel in one answer."""
    blind = parts.is_blind(account.role)
    study = parts.store.studies.details(parts.store.films.study(film), blind=blind)
    row = parts.ranks.row(study.entry, parts.promise(), blind=blind)
    nothing = Look(
        film=film, study=row.study, blind=blind, words=[], flag=row.flag, reference=None, probability=None,
        prevalence=None, models=[], nearest=[],
    )  # fmt: skip
    return nothing if blind else _seen(parts, study, study.film(film), nothing)


def _seen(parts: ServerState, study: StudyDetails, film: StoredFilm, nothing: Look) -> Look:
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
    """Return a model's name for people, its bundle's folder, and what it is here; else the beginning of its digest."""
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
    """Return bars of equal width over the scores and the marks that are drawn among them."""
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
        return images.brightest(parts.store.findings.map_path(film, finding.model))
    except NotFoundError:
        return None


def _rendition(parts: ServerState, film: str, model: str) -> Rendition | None:
    try:
        return parts.store.findings.rendition(film, model)
    except WorklistError:  # none, or a damaged one: the rest can be shown all the same
        return None


def _nearest(parts: ServerState, film: str) -> list[Near]:
    try:
        found = parts.store.findings.nearest(film)
    except NotFoundError:  # no worker has read it
        return []
    return [Near.model_validate(near) for near in found]
