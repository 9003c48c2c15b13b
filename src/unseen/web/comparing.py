"""Models compared: on the films that readers have reported, and on those where two models disagree most.

For whoever may see scores. What is computed is the evaluation room's; the same films give the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from unseen.evaluation.intervals import Figure, Interval, Json
from unseen.evaluation.metrics import count, entry_at, figure_at, text_at
from unseen.web.compared import (
    Difference,
    Disagreed,
    DisagreementsTold,
    FigureTold,
    FilmCompared,
    LabelledTold,
    Metrics,
    ModelCompared,
    RocTold,
    Shortcut,
    SourceCompared,
)
from unseen.web.errors import answers
from unseen.web.figures import Figures
from unseen.web.labelled_set import ComparedModel, label_of
from unseen.web.served import Parts
from unseen.web.who import Sighted

router = APIRouter(prefix="/compare", tags=["comparing"])
ModelDigest = Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of a model's weights")]
Source = Annotated[str | None, Query(max_length=200, description="films of this source alone")]
_CSV: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI's objects
    200: {"content": {"text/csv": {}}, "description": "UTF-8: film, study, source, label, and a column for each model"}
}
_POOLED = "pooled"


@router.get("/labelled", responses=answers(401, 403, 503))
def labelled(parts: Parts, account: Sighted) -> LabelledTold:
    """The films whose studies readers have reported normal or abnormal, with every model's score."""
    found = parts.figures.labelled(parts.store, parts.models)
    models = [model.model for model in found.models]
    return LabelledTold(
        models=[ModelCompared.model_validate(model) for model in found.models],
        films=[
            FilmCompared(
                film=film.film,
                study=film.study,
                source=film.source,
                label=label_of(film),
                scores=[film.scores.get(model) for model in models],
            )
            for film in found.films
        ],
        selected=parts.clearing.seen(),
    )


@router.get("/scores.csv", response_class=Response, responses=_CSV | answers(401, 403, 503))
def scores(parts: Parts, account: Sighted) -> Response:
    """The labelled set as a table, for whoever computes the figures again."""
    found = parts.figures.labelled(parts.store, parts.models)
    named = {"Content-Disposition": 'attachment; filename="scores.csv"'}
    return Response(found.csv(), media_type="text/csv; charset=utf-8", headers=named)


@router.get("/metrics", responses=answers(401, 403, 404, 422, 503))
async def metrics(parts: Parts, account: Sighted, model: ModelDigest, source: Source = None) -> Metrics:
    """What a model reaches: AUROC, ROC and its band, by source, and whether a trivial statistic would do as well."""
    called, found = await parts.figures.of_model(parts.store, parts.models, model, source)
    return _metrics(found, called, source)


@router.get("/difference", responses=answers(401, 403, 404, 422, 503))
async def difference(parts: Parts, account: Sighted, first: ModelDigest, second: ModelDigest) -> Difference:
    """Whether one model is better than another, on the films that both scored."""
    one, other, compared = await parts.figures.difference(parts.store, parts.models, first, second)
    pair = compared.pairs[0]
    return Difference(
        first=first,
        second=second,
        films=compared.films,
        first_auroc=FigureTold.of(compared.auroc[first]),
        second_auroc=FigureTold.of(compared.auroc[second]),
        difference=FigureTold.of(pair.difference),
        delong=FigureTold.of(pair.delong.difference),
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
) -> DisagreementsTold:
    """The films on which two models disagree most, by their ranks among the latest that both scored."""
    found = parts.store.disagreements(first, second, limit=limit)
    return DisagreementsTold(films=[Disagreed.model_validate(one) for one in found])


def in_words(first: str, second: str, films: int, one: Figure, other: Figure, between: Figure) -> str:
    """The difference of two AUROCs in a sentence.

    >>> in_words("a", "b", 96, Interval(0.91, 0.84, 0.96), Interval(0.88, 0.8, 0.94), Interval(0.03, -0.01, 0.07))
    'On 96 films a reaches an AUROC of 0.91 and b of 0.88: +0.03 (95 % interval −0.01 to +0.07). 0 lies in the \
interval, so these films do not show that either is better.'
    """
    if not (isinstance(one, Interval) and isinstance(other, Interval) and isinstance(between, Interval)):
        reason = next(figure.reason for figure in (one, other, between) if not isinstance(figure, Interval))
        return f"No difference can be given: {reason}."
    value, low, high = (f"{end:+.2f}".replace("-", "−") for end in (between.value, between.low, between.high))
    told = (
        f"On {films} films {first} reaches an AUROC of {one.value:.2f} and {second} of {other.value:.2f}: {value} "
        f"(95 % interval {low} to {high})."
    )
    if between.low <= 0 <= between.high:
        return f"{told} 0 lies in the interval, so these films do not show that either is better."
    better, worse = (first, second) if between.value > 0 else (second, first)
    return f"{told} 0 lies outside the interval: on films such as these {better} is better than {worse}."


def _metrics(found: Figures, called: ComparedModel, source: str | None) -> Metrics:
    told = found.metrics
    words = text_at(told, "shortcuts", "verdict", _POOLED)
    groups = told["auroc"]
    assert isinstance(groups, dict)
    return Metrics(
        model=called.model,
        name=called.name,
        source=source,
        normal=count(told, _POOLED, "normal"),
        abnormal=count(told, _POOLED, "abnormal"),
        trained_on=called.trained_on,
        headline=text_at(told, "headline"),
        auroc=FigureTold.of(figure_at(told, "auroc", _POOLED)),
        average_precision=FigureTold.of(figure_at(told, "average_precision", _POOLED)),
        roc=RocTold.of(found.roc),
        sources=[_of_source(told, group) for group in groups if group != _POOLED],
        verdict=words,
        verdict_kind="good"
        if words.startswith("No strong")
        else "unknown"
        if words.startswith("No verdict")
        else "warn",
        shortcuts=_shortcuts(told),
        mix=FigureTold.of(figure_at(told, "shortcuts", "mix", _POOLED)),
        intervals=text_at(told, "intervals"),
    )


def _of_source(told: Mapping[str, Json], group: str) -> SourceCompared:
    return SourceCompared(
        source=group,
        normal=count(told, group, "normal"),
        abnormal=count(told, group, "abnormal"),
        auroc=FigureTold.of(figure_at(told, "auroc", group)),
        strongest=text_at(told, "shortcuts", "strongest", group, "words"),
        strength=FigureTold.of(figure_at(told, "shortcuts", "strongest", group)),
        verdict=text_at(told, "shortcuts", "verdict", group),
    )


def _shortcuts(told: Mapping[str, Json]) -> list[Shortcut]:
    from unseen.evaluation.audit import direction
    from unseen.evaluation.shortcuts import STATISTICS

    found = []
    for statistic in STATISTICS:
        figure = figure_at(told, "shortcuts", _POOLED, statistic.name)
        if not isinstance(figure, Interval):
            continue
        strength = figure if figure.value >= 0.5 else Interval(1 - figure.value, 1 - figure.high, 1 - figure.low)
        found.append(
            Shortcut(
                name=statistic.name,
                words=statistic.words,
                direction=direction(statistic, figure) if figure.value != 0.5 else "neither",
                acquisition=entry_at(told, "shortcuts", _POOLED, statistic.name, "acquisition") is True,
                strength=FigureTold.of(strength),
                difference=FigureTold.of(figure_at(told, "shortcuts", _POOLED, statistic.name, "difference")),
            )
        )
    return sorted(found, key=lambda one: -(one.strength.value or 0))
