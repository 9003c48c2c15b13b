"""Routes of the cards of the models that score: origin, intended use and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Reader
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts

if TYPE_CHECKING:
    from unseen.artifacts import Card


router = APIRouter(tags=["models"])


class CardFigureResponse(BaseModel):
    """One figure of an evaluation with its 95 % interval."""

    evaluation: str = Field(description="which films it was evaluated on, such as cross_fitted_twin")
    measure: str = Field(description="such as auroc, or like_pairs: on pairs of similar films")
    group: str = Field(description="which of them, such as pooled, or a hospital")
    value: float
    low: float
    high: float
    normals: int | None
    abnormals: int | None


class CardResponse(BaseModel):
    """Card of a model."""

    name: str = Field(description="its bundle's folder")
    weights_sha256: str
    role: Literal["decides", "compares"] = Field(description="compares: its scores are kept, and decide nothing")
    data: str = Field(description="which films it was trained on, and where they are from")
    training_films: int
    licence: str
    limits: str
    trained_on: str = Field(description="the device")
    created: str
    version: str = Field(description="the package's version that wrote it")
    recipe_digest: str | None
    weights_bytes: int
    view: dict[str, str] = Field(description="how a film becomes its input: frame, scale, size")
    lungs: bool = Field(description="it brings a lung finder")
    gate: bool = Field(description="it brings an input gate, which refuses films unlike its training films")
    training: str = Field(
        description="steps, epochs, features and convergence of a trained network; empty for a method without epochs"
    )
    figures: list[CardFigureResponse]

    @classmethod
    def of(cls, name: str, card: Card, role: Literal["decides", "compares"]) -> Self:
        return cls(
            name=name,
            weights_sha256=card.weights_sha256,
            role=role,
            data=card.data,
            training_films=len(card.training_films),
            licence=card.licence,
            limits=card.limits,
            trained_on=card.trained_on,
            created=card.created,
            version=card.version,
            recipe_digest=card.recipe_digest,
            weights_bytes=card.weights_bytes,
            view={name: str(value) for name, value in (card.view or {}).items()},
            lungs=card.finder is not None,
            gate=card.gate is not None,
            training=card.budget,
            figures=list(_figures(card.current_metrics)),
        )


class CardsResponse(BaseModel):
    """All models that this server was given; the one that decides first."""

    models: list[CardResponse]


@router.get("/models/cards", responses=answers(401, 503))
def cards(parts: Parts, account: Reader) -> CardsResponse:
    """Return the cards of this server's models."""
    if parts.models is None:
        return CardsResponse(models=[])
    first, *others = parts.models.named.values()
    return CardsResponse(
        models=[CardResponse.of(*first, "decides"), *(CardResponse.of(*one, "compares") for one in others)]
    )


def _figures(metrics: Mapping[str, object]) -> Iterator[CardFigureResponse]:
    """Yield the figures of a card's evaluations: evaluation → measure → group → value, low, high; other entries are
    skipped.
    """
    for evaluation, measures in metrics.items():
        counts = _table(_table(measures).get("n"))
        for measure, groups in _table(measures).items():
            for group, figure in _table(groups).items():
                ends = [_table(figure).get(name) for name in ("value", "low", "high")]
                if all(isinstance(end, (int, float)) for end in ends):
                    value, low, high = (float(end) for end in ends if isinstance(end, (int, float)))
                    of = _table(counts.get(group))
                    yield CardFigureResponse(
                        evaluation=evaluation,
                        measure=measure,
                        group=group,
                        value=value,
                        low=low,
                        high=high,
                        normals=_count(of.get("normal")),
                        abnormals=_count(of.get("abnormal")),
                    )


def _table(found: object) -> Mapping[str, object]:
    return found if isinstance(found, Mapping) else {}


def _count(found: object) -> int | None:
    return found if isinstance(found, int) else None
