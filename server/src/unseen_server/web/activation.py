"""Routes by which a model is proposed, activated by a second person, withdrawn and listed.

`worklist.activation` keeps the activations; the two-person rule is in `worklist.two_person_rule`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from unseen.evaluation import Interval
from unseen.screening import cleared_share, policy_lines
from unseen_server.web.audit_sample_routes import ShareResponse
from unseen_server.web.authentication import Lead
from unseen_server.web.clearing_summary import Summary, of_activation
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import ROLES
from unseen_server.worklist.states import NotFoundError

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy
    from unseen_server.service.scoring_models import Models
    from unseen_server.worklist.activation import Activation

router = APIRouter(tags=["models"])

Number = Annotated[int, InPath(ge=1, le=2**53, description="of the proposal")]
Weights = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of a model's weights")]
Note = Annotated[
    str, Field(max_length=2000, pattern=r"\S", description="why; kept and shown to the second person, never empty")
]


class Calibrated(BaseModel):
    """Result of a calibration for one source."""

    source: str
    abnormals: int
    normals: int
    threshold: float | None
    allowed_misses: int | None
    cleared: ShareResponse | None = Field(description="share of the normal studies that lie below the threshold")
    refused: str


class PolicyProposed(BaseModel):
    """A policy, in short."""

    digest: str
    max_miss_rate: float
    confidence: float
    prevalence: float | None = Field(description="that was entered for the probabilities; null: none is shown")
    audit_share: float
    films: int
    created: str
    sources: list[Calibrated]
    words: list[str] = Field(description="the same in sentences")

    @classmethod
    def of(cls, policy: Policy, *, stopped: str = "") -> Self:
        """Return the reply for a policy.

        `stopped`: why it clears nothing at present; then no sentence promises anything.
        """
        return cls(
            digest=policy.digest,
            max_miss_rate=policy.max_miss_rate,
            confidence=policy.confidence,
            prevalence=policy.prevalence,
            audit_share=policy.audit_share,
            films=len(policy.films),
            created=policy.created,
            sources=[
                Calibrated(
                    source=name,
                    abnormals=source.abnormals,
                    normals=len(source.normals),
                    threshold=source.threshold,
                    allowed_misses=source.allowed_misses,
                    cleared=ShareResponse(value=cleared.value, low=cleared.low, high=cleared.high)
                    if isinstance(cleared := cleared_share(source), Interval)
                    else None,
                    refused=source.refused,
                )
                for name, source in policy.sources.items()
            ],
            words=[stopped] if stopped else list(policy_lines(policy)),
        )


class FurtherCalibrated(BaseModel):
    """A model that was calibrated together with the one that decides."""

    model: str = Field(description="SHA-256 of its weights")
    name: str
    normals: int = Field(description="normal studies with which its scores are compared")


class ActivationResponse(BaseModel):
    """A model that somebody has proposed, and what became of it."""

    number: int
    standing: Literal["proposed", "active", "superseded", "withdrawn"]
    model: str
    model_name: str
    here: bool = Field(description="this server was given the model")
    further: list[FurtherCalibrated] = Field(description="models calibrated together with it; they clear nothing")
    policy: PolicyProposed | None = Field(description="null: films are ranked, and none is cleared")
    stopped: str = Field(description='for the activation in force: why nothing is cleared; "" if nothing prevents it')
    summary: Summary | None = Field(description="of a proposal: what starts and stops when it is activated now")
    note: str
    proposed_by: str
    proposed: datetime
    activated_by: str | None
    activated: datetime | None
    activated_note: str
    despite: str = Field(description="why it was activated without a gate, or without an evaluation")
    withdrawn_by: str | None
    withdrawn: datetime | None
    mine: bool = Field(description="the asker has proposed it, and cannot activate it")


class ActivationsResponse(BaseModel):
    """Proposals and activations, latest first."""

    activations: list[ActivationResponse]
    scoring: int | None = Field(description="the activation that this server scores by; null: as it was started")
    problem: str = Field(description='why the activated model does not score here; "" if it does')
    others: list[str] = Field(description="accounts that could activate a proposal of this account")
    workers: str = Field(description='why a worker cannot score; "" if none reports a problem')
    ready: bool = Field(description="all workers of this server score by what holds now")


class Proposal(RequestModel):
    """A model to score with, without a policy: films are ranked, and none is cleared."""

    model: Weights
    note: Note


class Agreed(RequestModel):
    """The second person's word."""

    note: Note
    summary: str = Field(max_length=64, description="the digest of the summary that was read")
    despite: Annotated[str, Field(max_length=2000)] = Field(
        default="", description="why, where the model has no input gate or no evaluation"
    )


@router.post("/models/propose", status_code=201, responses=answers(400, 401, 403, 404, 422, 503))
def propose(parts: Parts, account: Lead, wanted: Proposal) -> ActivationResponse:
    """Propose to score with a model and to clear nothing."""
    name, card = known_model(parts, wanted.model)
    made = parts.store.activations.propose(
        wanted.model, name, actor=account.name, note=wanted.note, model_digest=card.digest
    )
    return activation_response(parts, made, account.name)


@router.get("/activations", responses=answers(401, 403, 503))
def activations(parts: Parts, account: Lead) -> ActivationsResponse:
    """Return proposals, activations and withdrawals with their persons, and the models that score on this server."""
    parts.active.look()
    workers = None if parts.workers is None else parts.workers.status()
    return ActivationsResponse(
        activations=[activation_response(parts, one, account.name) for one in parts.store.activations.listed()],
        scoring=parts.active.number,
        problem=parts.active.problem,
        others=[
            one.name
            for one in parts.store.accounts.listed()
            if not one.disabled and ROLES.index(one.role) >= ROLES.index("lead") and one.name != account.name
        ],
        workers="" if workers is None else workers.problem,
        ready=workers is None or workers.ready == workers.wanted,
    )


@router.post("/activations/{number}/activate", responses=answers(401, 403, 404, 409, 422, 503))
def activate(parts: Parts, account: Lead, number: Number, agreed: Agreed) -> ActivationResponse:
    """Put a proposal in force; whoever made it cannot. Workers finish the film in hand, and then score by it."""
    proposed = parts.store.activations.get(number)
    if proposed.standing == "proposed" and proposed.proposed_by != account.name:
        of_activation(parts, proposed).check(agreed.summary, note=agreed.note, despite=agreed.despite)
    made = parts.store.activations.activate(number, actor=account.name, note=agreed.note, despite=agreed.despite)
    parts.active.look()
    return activation_response(parts, made, account.name)


@router.post("/activations/{number}/withdraw", responses=answers(401, 403, 404, 409, 422, 503))
def withdraw(parts: Parts, account: Lead, number: Number) -> ActivationResponse:
    """Take back a proposal, or what is in force: clearing stops at once, and servers rank with the model that they
    were started with. What they were started with clears nothing until two people activate a policy again."""
    made = parts.store.activations.withdraw(number, actor=account.name)
    parts.active.look()
    return activation_response(parts, made, account.name)


def known_model(parts: ServerState, model: str) -> tuple[str, Card]:
    """Return the model's name for people, and its card."""
    if parts.models is None or model not in parts.models.named:
        raise NotFoundError(
            f"This server was not given a model with the weights {model[:16]}…. Start it with --model or --also and "
            "that bundle."
        )
    return parts.models.named[model]


def _name(models: Models, policy: Policy) -> str:
    return models.named[policy.weights_sha256][0] if policy.weights_sha256 in models.named else policy.model


def activation_response(parts: ServerState, made: Activation, asker: str) -> ActivationResponse:
    clears = made.standing == "active" and made.policy is not None
    stopped = parts.store.alarms.clearing_stopped(made.policy_digest) if clears else ""
    return ActivationResponse(
        number=made.number,
        standing=made.standing,
        model=made.model,
        model_name=made.model_name,
        here=parts.models is not None and made.model in parts.models.named,
        further=[
            FurtherCalibrated(
                model=one.weights_sha256,
                name=one.model if parts.models is None else _name(parts.models, one),
                normals=one.reference.count,
            )
            for one in made.further
        ],
        policy=None if made.policy is None else PolicyProposed.of(made.policy, stopped=stopped),
        stopped=stopped,
        summary=Summary.model_validate(of_activation(parts, made)) if made.standing == "proposed" else None,
        note=made.note,
        proposed_by=made.proposed_by,
        proposed=made.proposed,
        activated_by=made.activated_by,
        activated=made.activated,
        activated_note=made.activated_note,
        despite=made.despite,
        withdrawn_by=made.withdrawn_by,
        withdrawn=made.withdrawn,
        mine=made.proposed_by == asker,
    )
