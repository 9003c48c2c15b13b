"""Replies of the API about one study and one film: decision, findings, reports, history, receipt of an upload."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from unseen.screening import Decision
from unseen_server.web.listed_study import Listed
from unseen_server.web.promise import Promise, without_promise
from unseen_server.web.response_model import ResponseModel
from unseen_server.worklist.accounts import Account, Role
from unseen_server.worklist.audit import Event
from unseen_server.worklist.details import Report, StoredCopy, StoredFilm, StoredFinding, StudyDetails
from unseen_server.worklist.states import State


class Received(BaseModel):
    """The acknowledgement: from here on the film is not lost."""

    sha256: str = Field(description="of the film's bytes")
    film: str = Field(description="the film's name from now on")
    study: str = Field(description="the study that it stands under now; it may join another once it was read")
    state: State
    already: bool = Field(description="the same bytes had been received before")


class Decided(ResponseModel, Decision):
    """Decision on a film or a study."""

    p_value: float | None = Field(
        description="conformal: normal studies of its source with a score as high or higher, and one more, of all of "
        "them and one more; null where none calibrated it"
    )

    @classmethod
    def of(cls, decision: Decision | None, promise: Promise) -> Self | None:
        """Return the decision; without probabilities where nothing is promised at present."""
        if decision is None:
            return None
        digest = decision.policy_digest
        update = {
            "reason": without_promise(decision.reason),
            "probability": promise.probability(digest, decision.probability),
            "p_value": decision.p_value if promise.covers(digest) else None,
        }
        return cls.model_validate(decision).model_copy(update=update)


class FindingResponse(ResponseModel, StoredFinding):
    """A model's finding on a film."""


class Copy(ResponseModel, StoredCopy):
    """The same film, received again with another transfer syntax or another header."""


class FilmResponse(ResponseModel, StoredFilm):
    """A film of a study."""

    aside: Literal["returned", "discarded"] | None = Field(description="it cannot be shown, and was set aside")
    findings: tuple[FindingResponse, ...]
    decision: Decided | None = Field(description="null before it was judged, and where this reader must not see it")
    copies: tuple[Copy, ...]

    @classmethod
    def of(cls, film: StoredFilm, promise: Promise) -> Self:
        found = cls.model_validate(film)
        return found.model_copy(update={"decision": Decided.of(film.decision, promise)})


class Reported(ResponseModel, Report):
    """A reader's report."""

    how: Literal["seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded"]


class Happened(ResponseModel, Event):
    """One event of the audit trail."""


class StudyResponse(ResponseModel, StudyDetails):
    """One study, whole."""

    entry: Listed
    films: tuple[FilmResponse, ...]
    reports: tuple[Reported, ...]
    decision: Decided | None = Field(description="null before there was one, and where this reader must not see it")
    history: tuple[Happened, ...] = Field(description="audit events, oldest first; none where not to be seen")

    @classmethod
    def of(cls, study: StudyDetails, promise: Promise) -> Self:
        sentences = cls.model_validate(study)
        update = {
            "entry": Listed.made(study.entry, promise),
            "films": tuple(FilmResponse.of(film, promise) for film in study.films),
            "decision": Decided.of(study.decision, promise),
        }
        return sentences.model_copy(update=update)


class FilmStatus(BaseModel):
    """A film and where its study stands."""

    film: FilmResponse
    study: Listed
    decision: Decided | None = Field(description="on the study")


Outcome = Literal["normal", "abnormal", "unsure"]
Note = Annotated[str, Field(max_length=20_000, description="free text, kept and given back as it is")]


class WhoResponse(BaseModel):
    """An account."""

    name: str
    role: Role
    disabled: bool = False

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(name=account.name, role=account.role, disabled=account.disabled)
