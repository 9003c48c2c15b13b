"""How the server is, for whoever watches over it; and the cards of the models that score.

The cards of a server's models: where each is from, what it may be used for, what it was found to do.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from unseen import __version__
from unseen.artifacts import LIMITS
from unseen_server.web.accounts import SCHEMES, Reader
from unseen_server.web.errors import answers, without_places
from unseen_server.web.readiness import has_room
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import DamagedError, WorklistError

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy

router = APIRouter(tags=["health"])


class QueueResponse(BaseModel):
    """Films that wait for a worker, are done, and could not be scored; how old the oldest waiting one is."""

    waiting: int
    done: int
    dead: int
    oldest_s: float | None


class Disk(BaseModel):
    """The disk that films lie on."""

    free_bytes: int
    total_bytes: int


class WorkersResponse(BaseModel):
    """The worker processes that this server has started; it does not know workers that were started manually."""

    wanted: int
    running: int
    ready: int = Field(description="have loaded their model")


class Health(BaseModel):
    """ok: films are received and scored; impaired: something is wrong, and `problems` lists it."""

    status: Literal["ok", "impaired"]
    problems: list[str]
    version: str
    limits: str = Field(description=LIMITS)
    database: Literal["ok", "out of reach", "damaged"]
    queue: QueueResponse | None
    disk: Disk
    workers: WorkersResponse | None = Field(description="null where workers are started manually")


class PolicyResponse(BaseModel):
    """What a site has calibrated."""

    digest: str
    stopped: str = Field(description='why it clears nothing at present; "" where it clears')
    max_miss_rate: float | None = Field(description="null while it clears nothing: then nothing is promised")
    confidence: float | None = Field(description="likewise")
    sources: list[str]
    created: str


class ModelResponse(BaseModel):
    """What scores, and what may be cleared."""

    name: str
    role: Literal["decides", "compares"] = Field(description="compares: its scores are kept, and decide nothing")
    key: str = Field(description="of the method, such as roi-sure")
    size: int | None = Field(description="the side of its grid in pixels; null where its card does not say")
    frame: str | None = Field(description="what it looks at: lungs, or whole; null where its card does not say")
    weights_sha256: str
    licence: str
    limits: str
    policy: PolicyResponse | None = Field(description="null: films are ranked, and none is cleared")


class ModelsResponse(BaseModel):
    """The models of the workers that this server has started."""

    models: list[ModelResponse]


@router.get("/health", responses={503: {"model": Health, "description": "the database is out of reach or damaged"}})
def health(response: Response, parts: Parts) -> Health:
    """The state of the server. No sign-in is needed; the answer holds nothing about any patient."""
    found = _health(parts)
    if found.database != "ok":
        response.status_code = 503
    return found


@router.get("/models", dependencies=[*SCHEMES], responses=answers(401, 503))
def models(parts: Parts, account: Reader) -> ModelsResponse:
    """Which models and policy the workers of this server score with; the first decides."""
    found = parts.models
    if found is None:
        return ModelsResponse(models=[])
    (name, card), *others = found.named.values()
    promise = parts.promise()
    further = [_model(*one, None, "compares", "") for one in others]
    return ModelsResponse(models=[_model(name, card, found.policy, "decides", promise.why), *further])


def _model(
    name: str, card: Card, policy: Policy | None, role: Literal["decides", "compares"], stopped: str
) -> ModelResponse:
    view = card.view or {}
    size, frame = view.get("size"), view.get("frame")
    return ModelResponse(
        name=name,
        role=role,
        key=card.name,
        size=size if isinstance(size, int) else None,
        frame=frame if isinstance(frame, str) else None,
        weights_sha256=card.weights_sha256,
        licence=card.licence,
        limits=card.limits,
        policy=None
        if policy is None
        else PolicyResponse(
            digest=policy.digest,
            stopped=stopped,
            max_miss_rate=None if stopped else policy.max_miss_rate,
            confidence=None if stopped else policy.confidence,
            sources=sorted(policy.sources),
            created=policy.created,
        ),
    )


def _health(parts: ServerState) -> Health:
    problems = []
    queue = None
    database: Literal["ok", "out of reach", "damaged"] = "ok"
    try:
        found = parts.store.queue()
        queue = QueueResponse(waiting=found.waiting, done=found.done, dead=found.dead, oldest_s=found.oldest_s)
    except DamagedError as error:
        database = "damaged"
        problems.append(without_places(str(error), parts.store))
    except WorklistError:
        database = "out of reach"
        problems.append("The database is out of reach.")
    disk = shutil.disk_usage(parts.store.home)
    if not has_room(parts.store):
        problems.append("The disk has too little space for one more film.")
    staff = None if parts.workers is None else parts.workers.staff()
    if staff is not None and staff.problem:
        problems.append("A worker cannot score. See the server's log.")
    if staff is not None and staff.stopped:
        problems.append(f"Nothing is cleared: {staff.stopped}.")
    if staff is not None and staff.running < staff.wanted:
        problems.append("Not all workers run; they are started again.")
    return Health(
        status="impaired" if problems else "ok",
        problems=problems,
        version=__version__,
        limits=LIMITS,
        database=database,
        queue=queue,
        disk=Disk(free_bytes=disk.free, total_bytes=disk.total),
        workers=None
        if staff is None
        else WorkersResponse(wanted=staff.wanted, running=staff.running, ready=staff.ready),
    )


class PromiseResponse(BaseModel):
    """What holds now: shown to everybody."""

    state: Literal["clears", "stopped", "ranks", "no_model"] = Field(
        description="stopped: a policy is in force, and something stands against it"
    )
    words: str = Field(description="what is promised, or why nothing is")
    why: str = Field(description='why nothing is cleared; "" where the policy clears')


@router.get("/promise", dependencies=[*SCHEMES], responses=answers(401, 503))
def promise(parts: Parts, account: Reader) -> PromiseResponse:
    """Whether a policy clears here at this moment, and if not, why."""
    found = parts.promise()
    return PromiseResponse(state=found.state, words=found.words, why=found.why)


cards_router = APIRouter(tags=["models"])


class FigureResponse(BaseModel):
    """One figure of an evaluation with its 95 % interval."""

    evaluation: str = Field(description="which films it was evaluated on, such as cross_fitted_twin")
    measure: str = Field(description="such as auroc, or adjusted: for sharpness and lung area")
    group: str = Field(description="which of them, such as pooled, or a hospital")
    value: float
    low: float
    high: float
    normals: int | None
    abnormals: int | None


class CardResponse(BaseModel):
    """What is known of a model."""

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
    figures: list[FigureResponse]

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
            figures=list(_figures(card.metrics)),
        )


class CardsResponse(BaseModel):
    """All models that this server was given; the one that decides first."""

    models: list[CardResponse]


@cards_router.get("/models/cards", responses=answers(401, 503))
def cards(parts: Parts, account: Reader) -> CardsResponse:
    """What is known of the models of this server."""
    if parts.models is None:
        return CardsResponse(models=[])
    first, *others = parts.models.named.values()
    return CardsResponse(
        models=[CardResponse.of(*first, "decides"), *(CardResponse.of(*one, "compares") for one in others)]
    )


def _figures(metrics: Mapping[str, object]) -> Iterator[FigureResponse]:
    """What an evaluation wrote into a card: evaluation → measure → group → value, low, high; anything else is passed
    over."""
    for evaluation, measures in metrics.items():
        counts = _table(_table(measures).get("n"))
        for measure, groups in _table(measures).items():
            for group, figure in _table(groups).items():
                ends = [_table(figure).get(name) for name in ("value", "low", "high")]
                if all(isinstance(end, (int, float)) for end in ends):
                    value, low, high = (float(end) for end in ends if isinstance(end, (int, float)))
                    of = _table(counts.get(group))
                    yield FigureResponse(
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
