"""Routes of "Fit to your site": state of its steps (normal films, gate, calibration) and which one is next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen.artifacts import FEWEST_NORMALS as FEWEST
from unseen.artifacts import number_of
from unseen.screening import Guarantee
from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts
from unseen_server.worklist.score_blocks import blocks

if TYPE_CHECKING:
    from unseen_server.web.state import ServerState

router = APIRouter(tags=["models"])

USUAL = Guarantee()
MOST_REFUSED = 0.2
"""The share of late films from which a gate does not fit a site; of films like the training films it refuses 3.4 %."""


class Step(BaseModel):
    """Step of the three, and what to do."""

    name: Literal["collect", "gate", "calibrate"]
    state: Literal["done", "next", "waits"]
    words: str = Field(description="how far it is")
    do: list[str] = Field(description="what to do, in order; none where it is done")
    commands: list[str] = Field(description="for a shell on the server")


class Fit(BaseModel):
    """The guide, in order."""

    model_name: str
    steps: list[Step]


@router.get("/fit", responses=answers(401, 403, 503))
def fit(parts: Parts, account: Lead) -> Fit:
    """List what this site still needs before percentiles, gate and clearing rest on its own films."""
    if parts.models is None:
        words = "This server was given no model."
        return Fit(
            model_name="",
            steps=[Step(name="collect", state="next", words=words, do=["Start the server with --model."], commands=[])],
        )
    collected, gated, calibrated = _collect(parts), _gate(parts), _calibrate(parts)
    steps = [collected, gated, calibrated]
    if calibrated.state == "done" and gated.state != "done":
        calibrated.state = "waits"
        calibrated.words = (
            "A policy is in force, for this model. After the gate is fitted, calibrate again: it is then another model."
        )
    first = next((step for step in steps if step.state != "done"), None)
    for step in steps:
        if step.state != "done":
            step.state = "next" if step is first else "waits"
    return Fit(model_name=parts.models.folder.name, steps=steps)


def _collect(parts: ServerState) -> Step:
    assert parts.deciding is not None
    reference = parts.ranks.of_site(parts.deciding)
    if reference.scores:
        return Step(name="collect", state="done", words=f"{reference.words}.", do=[], commands=[])
    return Step(
        name="collect",
        state="next",
        words=f"{reference.count} of {FEWEST} normal films are reported: below that, scores are compared with the "
        "training normals.",
        do=[
            "Send films of this site as they come, not selected ones.",
            f"Read and report them: {FEWEST} normal ones at least. Only films that were shown to the reader count.",
        ],
        commands=[],
    )


def _gate(parts: ServerState) -> Step:
    assert parts.models is not None and parts.deciding is not None
    late = blocks(parts.store.database, parts.deciding, above=None, most=200, size=200)
    refused = sum(block.refused for block in late)
    films = sum(block.scored + block.refused for block in late)
    has_gate = parts.models.card.gate is not None
    share = refused / films if films else 0.0
    were = "was" if refused == 1 else "were"
    words = (
        f"{refused} of the latest {number_of(films, 'film')} {were} not scored."
        if has_gate
        else "The model has no input gate."
    )
    if has_gate and films >= FEWEST and share < MOST_REFUSED:
        return Step(name="gate", state="done", words=words, do=[], commands=[])
    folder, model = parts.store.home, parts.models.folder
    return Step(
        name="gate",
        state="waits",
        words=words if films >= FEWEST or not has_gate else f"{words} {FEWEST} films show whether the gate fits.",
        do=[
            "If many films are refused for one reason, look at the set-up first: orientation, inversion, cropping, "
            "post-processing.",
            f"If the films are as they should be, fit the gate to {FEWEST} normal films of this site or more: those "
            "reported here, or those of the calibration. Start the server with the new model.",
        ],
        commands=[
            f"unseen export tables --folder {folder.name} --labelled --with-selected",
            f"unseen gate {model.name if model.is_absolute() else model} --data tables/labelled.csv --out site-model",
        ],
    )


def _calibrate(parts: ServerState) -> Step:
    assert parts.models is not None
    policy = parts.models.policy
    if policy is not None and policy.clears:
        return Step(name="calibrate", state="done", words="A policy is in force.", do=[], commands=[])
    needed = USUAL.abnormals_needed()
    return Step(
        name="calibrate",
        state="waits",
        words=f"Clearing at most 5 % of abnormal studies with 95 % confidence needs "
        f"{number_of(needed, 'abnormal study')} of each source, in the order of their dates.",
        do=[
            "Report studies until the tab Calibration shows enough of a source.",
            "Propose the calibration there, and have a second lead activate it.",
        ],
        commands=[],
    )
