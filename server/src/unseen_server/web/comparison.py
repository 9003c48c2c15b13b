"""Comparison of models on films that readers have reported, and on those where two models disagree most.

The responses are for accounts that may see scores. The package `evaluation` computes the figures; the same films give
the same figures.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from unseen.artifacts import number_of
from unseen.evaluation import Curve, Figure, Interval, Json, count_at, entry_at, figure_at, text_at
from unseen_server.web.authentication import Sighted
from unseen_server.web.calibration import OTHERS
from unseen_server.web.copied_code import FigureName, code_of
from unseen_server.web.errors import answers
from unseen_server.web.labelled_set import ComparedModel, Figures, draws_of, label_of
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts
from unseen_server.worklist.model_disagreements import Disagreement
from unseen_server.worklist.states import WorklistError


class ModelCompared(ResponseModel, ComparedModel):
    """A model that has scored films of the labelled set."""


class FilmCompared(BaseModel):
    """A film whose study a reader has reported."""

    film: str
    study: str
    source: str
    label: Literal["normal", "abnormal"] = Field(description="what the study was reported to be")
    origin: Literal["seen", "simulated", "elsewhere", "unrecorded"] = Field(
        description="how the report came to be; seen: its frontal films were painted for the reader"
    )
    scores: list[float | None] = Field(description="one for each of `models`; null where it did not score the film")


class LabelledResponse(BaseModel):
    """The labelled set. A study below a policy's threshold is not read: then what was read has high scores."""

    models: list[ModelCompared] = Field(description="the one that decides first")
    films: list[FilmCompared] = Field(description="the latest report first")
    selected: bool = Field(description="a policy clears here, so scores decide which films get a label")
    not_counted: dict[str, int] = Field(
        description="reported studies that are left out, since nothing shows that their films were seen, by origin"
    )


class ComparedFigureResponse(BaseModel):
    """A figure with the ends of its 95 % interval; null with a reason where there can be none."""

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""

    @classmethod
    def of(cls, figure: Figure) -> Self:
        if isinstance(figure, Interval):
            return cls(value=figure.value, low=figure.low, high=figure.high)
        return cls(value=None, low=None, high=None, reason=figure.reason)


class RocResponse(BaseModel):
    """A ROC curve, point by point, with its pointwise 95 % band."""

    false_positive_rate: list[float]
    sensitivity: list[float]
    low: list[float]
    high: list[float]

    @classmethod
    def of(cls, curve: Curve) -> Self:
        def rounded(values: Any) -> list[float]:  # Any: an array
            return [float(value) for value in np.round(values, 5)]

        return cls(
            false_positive_rate=rounded(curve.grid),
            sensitivity=rounded(curve.sensitivity),
            low=rounded(curve.low),
            high=rounded(curve.high),
        )


class SourceCompared(BaseModel):
    """A model on the films of one source."""

    source: str
    normal: int
    abnormal: int
    auroc: ComparedFigureResponse
    strongest: str = Field(description='the trivial statistic that reaches most there; "" where none is known')
    strength: ComparedFigureResponse = Field(description="what it reaches: its AUROC or the mirror of it")
    verdict: str


_NO_DIRECTION = "no direction shown"


class Shortcut(BaseModel):
    """A trivial statistic of the image, held against the model's score."""

    name: str
    words: str
    direction: str = Field(description="such as: abnormal films are sharper; none where the interval includes 0.5")
    acquisition: bool = Field(description="it depends on how the image was taken and stored, not on disease")
    strength: ComparedFigureResponse = Field(description="the greater of its AUROC and the mirror of it")
    difference: ComparedFigureResponse = Field(description="the model's AUROC less the strength, paired")


class Metrics(BaseModel):
    """Metrics of one model on the labelled set."""

    model: str
    name: str
    source: str | None
    normal: int
    abnormal: int
    trained_on: int = Field(
        description="films of the labelled set that are left out: of patients on whose films it was trained"
    )
    headline: str
    auroc: ComparedFigureResponse
    average_precision: ComparedFigureResponse
    roc: RocResponse
    sources: list[SourceCompared]
    verdict: str = Field(description="whether a trivial statistic would do as well, in words")
    verdict_kind: Literal["good", "warn", "unknown"]
    shortcuts: list[Shortcut] = Field(description="the strongest first; those that are known for every film")
    mix: ComparedFigureResponse = Field(description="all statistics together, given the labels")
    intervals: str = Field(description="how they were made")


class Difference(BaseModel):
    """Two models on the films that both scored: the first one's AUROC less the second one's."""

    first: str
    second: str
    films: int
    first_auroc: ComparedFigureResponse
    second_auroc: ComparedFigureResponse
    difference: ComparedFigureResponse = Field(description="paired bootstrap")
    delong: ComparedFigureResponse
    p: float | None = Field(description="DeLong's, two-sided; null where it cannot be given")
    words: str


class Disagreed(ResponseModel, Disagreement):
    """A film that two models see differently."""


class DisagreementsResponse(BaseModel):
    """The films on which two models disagree most, most first."""

    films: list[Disagreed]


router = APIRouter(prefix="/compare", tags=["comparing"])
ModelDigest = Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of a model's weights")]
Source = Annotated[str | None, Query(max_length=200, description="films of this source alone")]
Others = Annotated[bool, Query(description=OTHERS)]
_CSV: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI's objects
    200: {
        "content": {"text/csv": {}},
        "description": "UTF-8: film, study, source, label, origin, patient (numbered here), trivial statistics, models",
    }
}
_PYTHON: dict[int | str, dict[str, Any]] = {200: {"content": {"text/x-python": {}}, "description": "a program"}}
_POOLED = "pooled"


@router.get("/labelled", responses=answers(401, 403, 503))
def labelled(parts: Parts, account: Sighted, others: Others = False) -> LabelledResponse:
    """Return the films whose studies readers have reported normal or abnormal, with every model's score."""
    found = parts.figures.labelled(parts.store, parts.models, others=others)
    models = [model.model for model in found.models]
    return LabelledResponse(
        models=[ModelCompared.model_validate(model) for model in found.models],
        films=[
            FilmCompared(
                film=film.film,
                study=film.study,
                source=film.source,
                label=label_of(film),
                origin=film.origin,
                scores=[film.scores.get(model) for model in models],
            )
            for film in found.films
        ],
        selected=parts.clearing.seen(),
        not_counted={str(origin): count for origin, count in found.not_counted.items()},
    )


@router.get("/scores.csv", response_class=Response, responses=_CSV | answers(401, 403, 503))
def scores(parts: Parts, account: Sighted, others: Others = False) -> Response:
    """Return the labelled set as a table, for whoever computes the figures again."""
    found = parts.figures.labelled(parts.store, parts.models, others=others)
    named = {"Content-Disposition": 'attachment; filename="scores.csv"'}
    return Response(found.csv(), media_type="text/csv; charset=utf-8", headers=named)


@router.get("/code", response_class=Response, responses=_PYTHON | answers(401, 403, 404, 422, 503))
def code(
    parts: Parts,
    account: Sighted,
    figure: FigureName,
    model: Annotated[list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]], Query(min_length=1, max_length=6)],
    threshold: Annotated[float, Query(allow_inf_nan=False)] = 0.0,
    prevalence: Annotated[float | None, Query(gt=0, lt=1)] = None,
    others: Others = False,
) -> Response:
    """Return a figure of the page as Python, which computes it again from `scores.csv`."""
    found = parts.figures.labelled(parts.store, parts.models, others=others)
    names = [found.called(one).name for one in model]
    if figure == "difference" and len(set(names)) != 2:
        raise WorklistError("A difference is between two models. Name two.")
    films = sum(all(one in film.scores for one in model) for film in found.films)
    text = code_of(figure, names, draws=draws_of(films), threshold=threshold, prevalence=prevalence)
    return Response(text, media_type="text/x-python; charset=utf-8")


@router.get("/metrics", responses=answers(401, 403, 404, 422, 503))
async def metrics(
    parts: Parts, account: Sighted, model: ModelDigest, source: Source = None, others: Others = False
) -> Metrics:
    """Return a model's AUROC, ROC with its band, AUROC by source, and a comparison with trivial statistics."""
    called, found = await parts.figures.of_model(parts.store, parts.models, model, source, others=others)
    return _metrics(found, called, source)


@router.get("/difference", responses=answers(401, 403, 404, 422, 503))
async def difference(
    parts: Parts, account: Sighted, first: ModelDigest, second: ModelDigest, others: Others = False
) -> Difference:
    """Compare two models on the films that both scored."""
    one, other, compared = await parts.figures.difference(parts.store, parts.models, first, second, others=others)
    pair = compared.pairs[0]
    return Difference(
        first=first,
        second=second,
        films=compared.films,
        first_auroc=ComparedFigureResponse.of(compared.auroc[first]),
        second_auroc=ComparedFigureResponse.of(compared.auroc[second]),
        difference=ComparedFigureResponse.of(pair.difference),
        delong=ComparedFigureResponse.of(pair.delong.difference),
        p=pair.delong.p,
        words=in_words(one, other, compared.films, compared.auroc[first], compared.auroc[second], pair.difference),
    )


@router.get("/disagreements", responses=answers(401, 403, 422, 503))
def disagreements(
    parts: Parts,
    account: Sighted,
    first: ModelDigest,
    second: ModelDigest,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DisagreementsResponse:
    """Return the films on which two models disagree most, by their ranks among the latest that both scored."""
    found = parts.store.findings.disagreements(first, second, limit=limit)
    return DisagreementsResponse(films=[Disagreed.model_validate(one) for one in found])


def in_words(first: str, second: str, films: int, one: Figure, other: Figure, between: Figure) -> str:
    """Return the difference of two AUROCs in a sentence.

    >>> in_words("a", "b", 96, Interval(0.91, 0.84, 0.96), Interval(0.88, 0.8, 0.94), Interval(0.03, -0.01, 0.07))
    'On 96 films a reaches an AUROC of 0.91 and b of 0.88: +0.03 (95 % interval −0.01 to +0.07). 0 lies in the \
interval, so these films do not show that either is better.'
    """
    for figure in (one, other, between):
        if not isinstance(figure, Interval):
            return f"No difference can be given: {figure.reason}."
    assert isinstance(one, Interval) and isinstance(other, Interval) and isinstance(between, Interval)
    value, low, high = (f"{end:+.2f}".replace("-", "−") for end in (between.value, between.low, between.high))
    shown = (
        f"On {number_of(films, 'film')} {first} reaches an AUROC of {one.value:.2f} and {second} of {other.value:.2f}: "
        f"{value} (95 % interval {low} to {high})."
    )
    if between.low <= 0 <= between.high:
        return f"{shown} 0 lies in the interval, so these films do not show that either is better."
    better, worse = (first, second) if between.value > 0 else (second, first)
    return f"{shown} 0 lies outside the interval: on films such as these {better} is better than {worse}."


def _metrics(found: Figures, called: ComparedModel, source: str | None) -> Metrics:
    figures = found.metrics
    words = text_at(figures, "shortcuts", "verdict", _POOLED)
    groups = figures["auroc"]
    assert isinstance(groups, dict)
    return Metrics(
        model=called.model,
        name=called.name,
        source=source,
        normal=count_at(figures, _POOLED, "normal"),
        abnormal=count_at(figures, _POOLED, "abnormal"),
        trained_on=called.trained_on,
        headline=text_at(figures, "headline"),
        auroc=ComparedFigureResponse.of(figure_at(figures, "auroc", _POOLED)),
        average_precision=ComparedFigureResponse.of(figure_at(figures, "average_precision", _POOLED)),
        roc=RocResponse.of(found.roc),
        sources=[_of_source(figures, group) for group in groups if group != _POOLED],
        verdict=words,
        verdict_kind="unknown"
        if words.startswith("No verdict")
        else "good"
        if words.startswith("No strong") and entry_at(figures, "shortcuts", "above_all", _POOLED) is True
        else "warn",
        shortcuts=_shortcuts(figures),
        mix=ComparedFigureResponse.of(figure_at(figures, "shortcuts", "mix", _POOLED)),
        intervals=text_at(figures, "intervals"),
    )


def _of_source(figures: Mapping[str, Json], group: str) -> SourceCompared:
    return SourceCompared(
        source=group,
        normal=count_at(figures, group, "normal"),
        abnormal=count_at(figures, group, "abnormal"),
        auroc=ComparedFigureResponse.of(figure_at(figures, "auroc", group)),
        strongest=text_at(figures, "shortcuts", "strongest", group, "words"),
        strength=ComparedFigureResponse.of(figure_at(figures, "shortcuts", "strongest", group)),
        verdict=text_at(figures, "shortcuts", "verdict", group),
    )


def _shortcuts(figures: Mapping[str, Json]) -> list[Shortcut]:
    from unseen.evaluation import TRIVIAL_STATISTICS, shortcut_direction

    found = []
    for statistic in TRIVIAL_STATISTICS:
        figure = figure_at(figures, "shortcuts", _POOLED, statistic.name)
        if not isinstance(figure, Interval):
            continue
        strength = figure if figure.value >= 0.5 else Interval(1 - figure.value, 1 - figure.high, 1 - figure.low)
        found.append(
            Shortcut(
                name=statistic.name,
                words=statistic.words,
                direction=shortcut_direction(statistic, figure) if strength.low > 0.5 else _NO_DIRECTION,
                acquisition=entry_at(figures, "shortcuts", _POOLED, statistic.name, "acquisition") is True,
                strength=ComparedFigureResponse.of(strength),
                difference=ComparedFigureResponse.of(
                    figure_at(figures, "shortcuts", _POOLED, statistic.name, "difference")
                ),
            )
        )
    return sorted(found, key=lambda one: -(one.strength.value or 0))
