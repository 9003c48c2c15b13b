"""The API's requests and responses: pydantic models of the worklist's own values, and of what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, Field

from unseen.screening import Decision
from unseen_server.web.listed_study import Listed
from unseen_server.web.promise import Promise, without_promise
from unseen_server.web.response_model import ResponseModel
from unseen_server.worklist.states import State

if TYPE_CHECKING:
    from unseen_server.worklist.accounts import Account
    from unseen_server.worklist.details import StoredFilm, StudyDetails


class Received(BaseModel):
    """The acknowledgement: from here on the film is not lost."""

    sha256: str = Field(description="of the film's bytes")
    film: str = Field(description="the film's name from now on")
    study: str = Field(description="the study that it stands under now; it may join another once it was read")
    state: State
    already: bool = Field(description="the same bytes had been received before")


class Decided(ResponseModel):
    """Decision on a film or a study."""

    action: Literal["clear", "read", "not_scored"]
    score: float | None
    probability: float | None
    p_value: float | None = Field(
        description="conformal: normal studies of its source with a score as high or higher, and one more, of all of "
        "them and one more; null where none calibrated it"
    )
    priority: float
    reason: str
    policy_digest: str

    @classmethod
    def of(cls, decision: Decision | None, promise: Promise) -> Self | None:
        """The decision; without probabilities where nothing is promised at present."""
        if decision is None:
            return None
        digest = decision.policy_digest
        update = {
            "reason": without_promise(decision.reason),
            "probability": promise.probability(digest, decision.probability),
            "p_value": decision.p_value if promise.covers(digest) else None,
        }
        return cls.model_validate(decision).model_copy(update=update)


class FindingResponse(ResponseModel):
    """A model's finding on a film."""

    model: str = Field(description="SHA-256 of its weights")
    score: float | None
    parts: Mapping[str, float]
    map_sha256: str | None = Field(description="of the anomaly map; null without one")
    box: tuple[float, float, float, float] | None = Field(
        description="top, left, bottom, right: the part of the film, in its pixels, that the map shows"
    )
    inner: tuple[int, int, int, int] | None = Field(
        description="top, left, height, width: where on the map that part lies; the rest is padding"
    )
    made: datetime


class Copy(ResponseModel):
    """The same film, received again with another transfer syntax or another header."""

    film: str
    bytes: int
    source: str
    received: datetime
    changed: list[str] = Field(description="keywords of the attributes that differ; none: the syntax alone does")


class FilmResponse(ResponseModel):
    """A film of a study."""

    film: str
    sha256: str
    bytes: int
    name: str = Field(description="as it was given, or its pseudonym")
    source: str
    received: datetime
    judged: bool
    view_position: str | None
    file_format: str | None
    tags: Mapping[str, str]
    seen: bool = Field(description="its pixels were painted for the asker")
    needed: bool = Field(description="a report of the study speaks of it: it must be seen first")
    aside: Literal["returned", "discarded"] | None = Field(description="it cannot be shown, and was set aside")
    findings: list[FindingResponse]
    decision: Decided | None = Field(description="null before it was judged, and where this reader must not see it")
    copies: list[Copy]
    version_of: str | None = Field(
        description="the film that came first under the same SOP Instance UID with other pixels"
    )

    @classmethod
    def of(cls, film: StoredFilm, promise: Promise) -> Self:
        found = cls.model_validate(film)
        return found.model_copy(update={"decision": Decided.of(film.decision, promise)})


class Reported(ResponseModel):
    """A reader's report."""

    reader: str
    elsewhere: bool
    outcome: str | None
    note: str
    made: datetime
    undone: datetime | None
    how: Literal["seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded"]
    dwell_ms: int | None = Field(
        default=None,
        description="milliseconds from the first display of a film of the study to the report; null: not measured",
    )
    confirmed_by: str | None = Field(
        default=None, description="of another system's report: who has seen the films here and agrees; null: nobody"
    )


class Happened(ResponseModel):
    """One event of the audit trail."""

    seq: int
    time: datetime
    actor: str
    action: str
    subject: str
    body: Mapping[str, str | int | float | bool | None]


class StudyResponse(ResponseModel):
    """One study, whole."""

    entry: Listed
    accession: str | None = Field(description="as in the films' headers, or its pseudonym")
    patient: str | None = Field(description="likewise")
    films: list[FilmResponse]
    reports: list[Reported]
    decision: Decided | None = Field(description="null before there was one, and where this reader must not see it")
    audit_sample: bool | None = Field(description="cleared, and read all the same; null where not to be seen")
    history: list[Happened] = Field(description="audit events, oldest first; none where not to be seen")
    draft: str = Field(description="what the asker has written of it and not reported")

    @classmethod
    def of(cls, study: StudyDetails, promise: Promise) -> Self:
        sentences = cls.model_validate(study)
        update = {
            "entry": Listed.made(study.entry, promise),
            "films": [FilmResponse.of(film, promise) for film in study.films],
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
    role: Literal["sender", "reader", "lead", "admin"]
    disabled: bool = False

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(name=account.name, role=account.role, disabled=account.disabled)
