"""What the API answers with where models are compared."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from unseen.evaluation.charts import Curve
from unseen.evaluation.intervals import Figure, Interval


class ModelCompared(BaseModel):
    """A model that has scored films of the labelled set."""

    model_config = ConfigDict(from_attributes=True)

    model: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="its bundle's folder; no two are alike")
    part: Literal["decides", "compares", "earlier"] = Field(description="earlier: it is no longer in use here")
    normal: int
    abnormal: int
    trained_on: int = Field(description="films left out, because it has learnt from them")


class FilmCompared(BaseModel):
    """A film whose study a reader has reported."""

    film: str
    study: str
    source: str
    label: Literal["normal", "abnormal"] = Field(description="what the study was reported to be")
    scores: list[float | None] = Field(description="one for each of `models`; null where it did not score the film")


class LabelledTold(BaseModel):
    """The labelled set. A study below a policy's threshold is not read: then what was read has high scores."""

    models: list[ModelCompared] = Field(description="the one that decides first")
    films: list[FilmCompared] = Field(description="the latest report first")
    selected: bool = Field(description="a policy clears here, so scores decide which films get a label")


class FigureTold(BaseModel):
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


class RocTold(BaseModel):
    """A ROC curve, point by point, with its pointwise 95 % band."""

    false_positive_rate: list[float]
    sensitivity: list[float]
    low: list[float]
    high: list[float]

    @classmethod
    def of(cls, curve: Curve) -> Self:
        def told(values: Any) -> list[float]:  # Any: an array
            return [float(value) for value in np.round(values, 5)]

        return cls(
            false_positive_rate=told(curve.grid),
            sensitivity=told(curve.sensitivity),
            low=told(curve.low),
            high=told(curve.high),
        )


class SourceCompared(BaseModel):
    """A model on the films of one source."""

    source: str
    normal: int
    abnormal: int
    auroc: FigureTold
    strongest: str = Field(description='the trivial statistic that reaches most there; "" where none is known')
    strength: FigureTold = Field(description="what it reaches: its AUROC or the mirror of it")
    verdict: str


class Shortcut(BaseModel):
    """A trivial statistic of the picture, held against the model's score."""

    name: str
    words: str
    direction: str = Field(description="as the AUROC has it, such as: abnormal films are sharper; neither at 0.5")
    acquisition: bool = Field(description="it tells how the picture was taken and stored, in which no disease shows")
    strength: FigureTold = Field(description="the greater of its AUROC and the mirror of it")
    difference: FigureTold = Field(description="the model's AUROC less the strength, paired")


class Metrics(BaseModel):
    """What one model reaches on the labelled set."""

    model: str
    name: str
    source: str | None
    normal: int
    abnormal: int
    trained_on: int = Field(description="films of the labelled set that it has learnt from, left out")
    headline: str
    auroc: FigureTold
    average_precision: FigureTold
    roc: RocTold
    sources: list[SourceCompared]
    verdict: str = Field(description="whether a trivial statistic would do as well, in words")
    verdict_kind: Literal["good", "warn", "unknown"]
    shortcuts: list[Shortcut] = Field(description="the strongest first; those that are known for every film")
    mix: FigureTold = Field(description="all statistics together, given the labels")
    intervals: str = Field(description="how they were made")


class Difference(BaseModel):
    """Two models on the films that both scored: the first one's AUROC less the second one's."""

    first: str
    second: str
    films: int
    first_auroc: FigureTold
    second_auroc: FigureTold
    difference: FigureTold = Field(description="paired bootstrap")
    delong: FigureTold
    p: float | None = Field(description="DeLong's, two-sided; null where it cannot be given")
    words: str


class Disagreed(BaseModel):
    """A film that two models see differently."""

    model_config = ConfigDict(from_attributes=True)

    film: str
    study: str
    source: str
    first_score: float
    second_score: float
    first_rank: float = Field(description="the share of films that the first model finds less unusual, 0 to 1")
    second_rank: float


class DisagreementsTold(BaseModel):
    """The films on which two models disagree most, most first."""

    films: list[Disagreed]
