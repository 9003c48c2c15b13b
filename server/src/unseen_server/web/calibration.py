"""Routes of calibration from readers' reports: how many reports it needs, and the proposal of the policy it gives.

`worklist.calibration` counts the reports and makes the policy; `activation` has what follows a proposal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from unseen.screening import AUDIT_SHARE, Guarantee, GuaranteeError
from unseen_server.service.active_models import thresholds_of
from unseen_server.web.activation import ActivationResponse, Proposal, Weights, activation_response, known_model
from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.calibration import MISSES, Labels, SourceLabels, labels, policy_from
from unseen_server.worklist.labels import CONFIRMATIONS, EVERY, SEEN
from unseen_server.worklist.states import WorklistError

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy

router = APIRouter(tags=["models"])

Rate = Annotated[float, Field(gt=0, lt=1, description="of abnormal studies that may be cleared, per source")]
OTHERS = (
    "count also reports of other systems, and of releases that did not record what was shown: nothing shows that their "
    "films were seen"
)
Confidence = Annotated[float, Field(gt=0, lt=1, description="how sure that is to hold")]


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
    trained_on: int = Field(description="films left out: of patients on whose films the model was trained")
    not_seen: int = Field(description="studies left out because the model has not seen all their films")
    selected: int = Field(description="studies left out because a policy had decided whether they are read")
    hasty: int = Field(description="studies left out only because they were reported within two seconds of the display")
    unsure: int = Field(description="studies left out only because they were reported unsure")
    not_counted: dict[str, int] = Field(
        description="reported studies that do not count, since nothing shows that their films were seen, by origin"
    )
    confirmed: int = Field(description="reports of other systems that a person here has confirmed")
    confirmations_needed: int = Field(description="so many of them, before reports of other systems count")
    ready: bool = Field(description="something would be cleared from one source at least")


class CalibrationProposal(Proposal):
    """A model to score with, and what to promise with it."""

    max_miss_rate: Rate = Guarantee.max_miss_rate
    confidence: Confidence = Guarantee.confidence
    prevalence: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="of abnormal studies here, for the probabilities; null: no probability is shown"
    )
    others: bool = Field(default=False, description=OTHERS)


@router.get("/calibration", responses=answers(401, 403, 404, 422, 503))
def calibration(
    parts: Parts,
    account: Lead,
    model: Annotated[Weights, Query()],
    max_miss_rate: Annotated[Rate, Query()] = Guarantee.max_miss_rate,
    confidence: Annotated[Confidence, Query()] = Guarantee.confidence,
    others: Annotated[bool, Query(description=OTHERS)] = False,
) -> CalibrationResponse:
    """Return the number of reported studies that a calibration needs, and the number that there are."""
    found = _labels(parts, known_model(parts, model)[1], _promise(max_miss_rate, confidence), others=others)
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
        unsure=found.unsure,
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
    name, card = known_model(parts, wanted.model)
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
    return activation_response(parts, made, account.name)


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
