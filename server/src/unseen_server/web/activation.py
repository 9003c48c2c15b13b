"""Proposal and activation of a model and its policy (two-person rule), and calibration from readers' reports."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from unseen.evaluation import Interval
from unseen.screening import Guarantee, GuaranteeError, cleared_share, policy_lines
from unseen_server.service.active_models import thresholds_of
from unseen_server.web.audit_sample import ShareResponse
from unseen_server.web.authentication import Lead
from unseen_server.web.clearing_summary import Summary, of_activation
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import ROLES
from unseen_server.worklist.calibration import AUDIT_SHARE, MISSES, Labels, SourceLabels, labels, policy_from
from unseen_server.worklist.labels import CONFIRMATIONS, EVERY, SEEN
from unseen_server.worklist.states import NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy
    from unseen_server.service.scoring_models import Models
    from unseen_server.worklist.activation import Activation

router = APIRouter(tags=["models"])

Number = Annotated[int, InPath(ge=1, le=2**53, description="of the proposal")]
Weights = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of a model's weights")]
Rate = Annotated[float, Field(gt=0, lt=1, description="of abnormal studies that may be cleared, per source")]
OTHERS = (
    "count also reports of other systems, and of releases that did not record what was shown: nothing shows that their "
    "films were seen"
)
Confidence = Annotated[float, Field(gt=0, lt=1, description="how sure that is to hold")]
Note = Annotated[
    str, Field(max_length=2000, pattern=r"\S", description="why; kept and shown to the second person, never empty")
]


class CalibratedSourceResponse(ResponseModel, SourceLabels):
    """Reports of one source, one study a patient and label."""


class Needed(BaseModel):
    """Number of abnormal studies of a source that a guarantee needs."""

    misses: int = Field(description="of them may lie below the threshold")
    abnormals: int


class CalibrationResponse(BaseModel):
    """Progress of this site towards a calibration of a model."""

    model: str
    promise: str
    needed: list[Needed]
    sources: list[CalibratedSourceResponse]
    trained_on: int = Field(description="films left out because the model was trained on them")
    not_seen: int = Field(description="studies left out because the model has not seen all their films")
    selected: int = Field(description="studies left out because a policy had decided whether they are read")
    hasty: int = Field(description="studies left out because they were reported within two seconds of the display")
    not_counted: dict[str, int] = Field(
        description="reported studies that do not count, since nothing shows that their films were seen, by origin"
    )
    confirmed: int = Field(description="reports of other systems that a person here has confirmed")
    confirmations_needed: int = Field(description="so many of them, before reports of other systems count")
    ready: bool = Field(description="something would be cleared from one source at least")


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


class Proposal(BaseModel):
    """A model to score with, without a policy: films are ranked, and none is cleared."""

    model_config = ConfigDict(extra="forbid")

    model: Weights
    note: Note


class Agreed(BaseModel):
    """The second person's word."""

    model_config = ConfigDict(extra="forbid")

    note: Note
    summary: str = Field(max_length=64, description="the digest of the summary that was read")
    despite: Annotated[str, Field(max_length=2000)] = Field(
        default="", description="why, where the model has no input gate or no evaluation"
    )


class CalibrationProposal(Proposal):
    """A model to score with, and what to promise with it."""

    max_miss_rate: Rate = 0.05
    confidence: Confidence = 0.95
    prevalence: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="of abnormal studies here, for the probabilities; null: no probability is shown"
    )
    others: bool = Field(default=False, description=OTHERS)


@router.get("/calibration", responses=answers(401, 403, 404, 422, 503))
def calibration(
    parts: Parts,
    account: Lead,
    model: Annotated[Weights, Query()],
    max_miss_rate: Annotated[Rate, Query()] = 0.05,
    confidence: Annotated[Confidence, Query()] = 0.95,
    others: Annotated[bool, Query(description=OTHERS)] = False,
) -> CalibrationResponse:
    """Return the number of reported studies that a calibration needs, and the number that there are."""
    found = _labels(parts, _known(parts, model)[1], _promise(max_miss_rate, confidence), others=others)
    return CalibrationResponse(
        model=model,
        promise=str(found.promise),
        needed=[
            Needed(misses=misses, abnormals=abnormals) for misses, abnormals in zip(MISSES, found.needed, strict=True)
        ],
        sources=[CalibratedSourceResponse.model_validate(source) for source in found.sources],
        trained_on=found.trained_on,
        not_seen=found.not_seen,
        selected=found.selected,
        hasty=found.hasty,
        not_counted={str(origin): count for origin, count in found.not_counted.items()},
        confirmed=found.confirmed,
        confirmations_needed=CONFIRMATIONS,
        ready=any(source.allowed_misses is not None for source in found.sources),
    )


@router.post("/calibration/propose", status_code=201, responses=answers(400, 401, 403, 404, 422, 503))
def propose_calibration(parts: Parts, account: Lead, wanted: CalibrationProposal) -> ActivationResponse:
    """Calibrate all loaded models on what readers reported here, and propose to score and clear by one of them.

    The normals of the others are the reference of their percentiles from its activation on.
    """
    name, card = _known(parts, wanted.model)
    found = _labels(parts, card, _promise(wanted.max_miss_rate, wanted.confidence), others=wanted.others)
    policy = _policy(parts, card, found, wanted)
    if not policy.probes:
        raise WorklistError(
            f"No worker has had {name} with the digest {card.digest[:16]}… yet, so the scores of its probe films "
            "on this site's machines are unknown. Start a worker with this model, then propose again."
        )
    note = "\n\n".join(part for part in (wanted.note, found.caution) if part)  # the second person must know it too
    made = parts.store.activations.propose(
        wanted.model,
        name,
        policy,
        actor=account.name,
        note=note,
        model_digest=card.digest,
        further=_further(parts, wanted),
    )
    return _response(parts, made, account.name)


@router.post("/models/propose", status_code=201, responses=answers(400, 401, 403, 404, 422, 503))
def propose(parts: Parts, account: Lead, wanted: Proposal) -> ActivationResponse:
    """Propose to score with a model and to clear nothing."""
    name, card = _known(parts, wanted.model)
    made = parts.store.activations.propose(
        wanted.model, name, actor=account.name, note=wanted.note, model_digest=card.digest
    )
    return _response(parts, made, account.name)


@router.get("/activations", responses=answers(401, 403, 503))
def activations(parts: Parts, account: Lead) -> ActivationsResponse:
    """Return proposals, activations and withdrawals with their persons, and the models that score on this server."""
    parts.active.look()
    workers = None if parts.workers is None else parts.workers.status()
    return ActivationsResponse(
        activations=[_response(parts, one, account.name) for one in parts.store.activations.listed()],
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
    return _response(parts, made, account.name)


@router.post("/activations/{number}/withdraw", responses=answers(401, 403, 404, 409, 422, 503))
def withdraw(parts: Parts, account: Lead, number: Number) -> ActivationResponse:
    """Take back a proposal, or what is in force: clearing stops at once, and servers rank with the model that they
    were started with. What they were started with clears nothing until two people activate a policy again."""
    made = parts.store.activations.withdraw(number, actor=account.name)
    parts.active.look()
    return _response(parts, made, account.name)


def _policy(
    parts: ServerState, card: Card, found: Labels, wanted: CalibrationProposal, *, may_clear_nothing: bool = False
) -> Policy:
    given = None if parts.models is None else parts.models.policy
    return policy_from(
        found,
        name=card.name,
        model_parts=card.digests,
        probes=parts.store.model_probes.of(card.digest),
        prevalence=wanted.prevalence,
        gate=thresholds_of(card),
        source_tag=None if given is None else given.source_tag,
        audit_share=AUDIT_SHARE if given is None else given.audit_share,
        may_clear_nothing=may_clear_nothing,
    )


def _further(parts: ServerState, wanted: CalibrationProposal) -> list[Policy]:
    """Calibrate the loaded models that decide nothing; those without a labelled score are left out."""
    assert parts.models is not None
    promise = _promise(wanted.max_miss_rate, wanted.confidence)
    made = []
    for model, (_, card) in parts.models.named.items():
        if model == wanted.model:
            continue
        found = _labels(parts, card, promise, others=wanted.others)
        if any(study.score is not None for study in found.studies):
            made.append(_policy(parts, card, found, wanted, may_clear_nothing=True))
    return made


def _known(parts: ServerState, model: str) -> tuple[str, Card]:
    """Return the model's name for people, and its card."""
    if parts.models is None or model not in parts.models.named:
        raise NotFoundError(
            f"This server was not given a model with the weights {model[:16]}…. Start it with --model or --also and "
            "that bundle."
        )
    return parts.models.named[model]


def _name(models: Models, policy: Policy) -> str:
    return models.named[policy.weights_sha256][0] if policy.weights_sha256 in models.named else policy.model


def _promise(max_miss_rate: float, confidence: float) -> Guarantee:
    try:
        promise = Guarantee(max_miss_rate, confidence)
        promise.abnormals_needed(max(MISSES))
    except GuaranteeError as error:
        raise WorklistError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    return promise


def _labels(parts: ServerState, card: Card, promise: Guarantee, *, others: bool) -> Labels:
    assert parts.models is not None
    policy, gate = parts.models.policy, thresholds_of(card)
    alike = [sha256 for sha256, (_, other) in parts.models.named.items() if thresholds_of(other) == gate]
    return labels(
        parts.store,
        card.weights_sha256,
        promise,
        trained_on=card.training_films,
        gated_alike=alike if gate is not None else (),
        source_tag=None if policy is None else policy.source_tag,
        policies={} if policy is None else {policy.digest: policy},
        origins=EVERY if others else SEEN,
    )


def _response(parts: ServerState, made: Activation, asker: str) -> ActivationResponse:
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
