"""The API's requests and responses: pydantic models of the worklist's own values, and of what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from unseen.artifacts import FEWEST_NORMALS, ReferenceNormals
from unseen.screening import Decision, refusal_code
from unseen_server.web.promise import Promise, without_promise
from unseen_server.web.sentences import Reading, conflict_in_words
from unseen_server.worklist.disagreement import FAR
from unseen_server.worklist.refusals import parted
from unseen_server.worklist.states import State, allowed

if TYPE_CHECKING:
    from unseen_server.web.ranks import Ranks
    from unseen_server.worklist.accounts import Account
    from unseen_server.worklist.details import StoredFilm, Study
    from unseen_server.worklist.listing import Entry, Page

ACTS = ("claim", "release", "report", "undo")
"""What a reader does; the other acts of the worklist follow from films and decisions."""


class _Response(BaseModel):
    """Made from the worklist's own dataclass, attribute by attribute."""

    model_config = ConfigDict(from_attributes=True)


class Received(BaseModel):
    """The acknowledgement: from here on the film is not lost."""

    sha256: str = Field(description="of the film's bytes")
    film: str = Field(description="the film's name from now on")
    study: str = Field(description="the study that it stands under now; it may join another once it was read")
    state: State
    already: bool = Field(description="the same bytes had been received before")


class ModelScore(BaseModel):
    """A loaded model's score of a study, with its percentile."""

    model: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="its bundle's folder")
    score: float = Field(description="the highest of the films that decide about the study")
    rank: float | None = Field(description="the share of the model's reference that scores lower, 0 to 1; null: none")
    sentence: str = Field(description="the percentile and its reference in words; the reason where there is none")


class Listed(_Response):
    """A study as the list shows it."""

    study: str
    state: State
    source: str
    films: int
    received: datetime
    changed: datetime
    priority: float | None = Field(description="higher is earlier; null while nothing was decided")
    overdue: bool = Field(description="it waits longer than the cap and goes before the priorities")
    reason: str = Field(description='why it was not scored; "" otherwise')
    claimed_by: str | None
    claimed: datetime | None
    probability: float | None = Field(
        description="of being abnormal; null where this reader must not see it, while no policy clears, and where no "
        "prevalence was entered"
    )
    score: float | None
    words: str = Field(default="", description="in a page: the row's sentence, which agrees with flag and number")
    flag: bool = Field(default=False, description="in a page: it is to be read earlier")
    number: float | None = Field(default=None, description="in a page: of `measure`, 0 to 1; null likewise")
    measure: Literal["percentile"] | None = Field(
        default=None, description="in a page: percentile: the share of the page's reference that scores lower"
    )
    models: list[ModelScore] = Field(default=[], description="in a page: scores of the loaded models; none if blind")
    of: int | None = Field(default=None, description="in a page: scores of the reference of a percentile")
    clause: str = Field(default="", description="why it was not scored, in a few words; `why` explains it")
    code: str = Field(default="", description="the input gate's code for it; empty for any other reason")
    why: str = ""
    film: str | None = Field(description="one to look at; null before a worker has read one")
    outcome: Literal["normal", "abnormal", "unsure"] | None = Field(description="of the report that stands")
    reported_by: str | None
    how: Literal["seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded"] | None = Field(
        description="how the report came to be; returned, discarded: it cannot be shown, and is not reported"
    )
    seen: bool = Field(description="every frontal film was shown to the asker: only then can they report it")
    view: str | None = Field(description="ViewPosition of a frontal film, else of another one")
    assigned_to: str | None = Field(description="to whom a lead has assigned it; anybody may read it")
    conflict: str = Field(
        default="", description="names the films that came under other patient numbers or issuers; empty: none did"
    )
    disagree: bool = Field(default=False, description="models' percentiles of one of its films lie half or more apart")
    acts: list[Literal["claim", "release", "report", "undo"]] = Field(
        default=[], description="what its state is open to; whose claim it is may still stand against it"
    )

    @classmethod
    def made(
        cls,
        entry: Entry,
        promise: Promise,
        reading: Reading | None = None,
        *,
        of: int | None = None,
        models: Sequence[ModelScore] = (),
    ) -> Self:
        """The row, with its words in a page."""
        listed = cls.model_validate(entry)
        clause, why = parted(entry.reason)
        refused = refusal_code(entry.reason)
        update: dict[str, object] = {
            "acts": [act for act in ACTS if act in allowed(entry.state)],
            "reason": without_promise(entry.reason),
            "clause": clause,
            "why": why,
            "code": "" if refused is None else refused.code,
            "conflict": conflict_in_words(entry.claims),
            "disagree": entry.apart is not None and entry.apart >= FAR,
        }
        if reading is not None:
            update |= {name: getattr(reading, name) for name in ("words", "flag", "number", "measure")}
            update |= {"of": of, "models": list(models)}
        update["probability"] = promise.probability(entry.policy, entry.probability)
        return listed.model_copy(update=update)


class ReferenceResponse(BaseModel):
    """Films that a score is compared with."""

    words: str = Field(description="whose scores they are; below `needed`, how many there are")
    count: int
    needed: int = Field(description="below this number there is no percentile, and no flag from one")
    of_site: bool = Field(description="of this site or its calibration; false: the model's training normals, or none")

    @classmethod
    def of(cls, reference: ReferenceNormals, *, of_site: bool) -> Self:
        return cls(words=reference.words, count=reference.count, needed=FEWEST_NORMALS, of_site=of_site)


class GroupResponse(BaseModel):
    """Studies that were not scored for one reason, all of them to be read."""

    clause: str
    studies: int = Field(description="counted up to 1,000 at most")
    more: bool = Field(description="they were not all counted: there are more than `studies`")
    words: str


class ListedPage(BaseModel):
    """Some rows of a tab, in its order."""

    rows: list[Listed]
    next: str | None = Field(description="a cursor: `after` of the following page; null at the end")
    previous: str | None = Field(description="a cursor: `before` of the page before; null at the beginning")
    total: int = Field(description="rows in the tab under these filters, counted up to 10,000 at most")
    more: bool = Field(description="they were not all counted: there may be more than `total`")
    blind: bool = Field(description="scores and probabilities are left out, since they would tell sampled studies")
    groups: list[GroupResponse] = Field(description="what `grouped` leaves out of the rows, the largest first")
    reference: ReferenceResponse | None = Field(
        description="with which every percentile of the page is compared; null for the blind, and without a model"
    )
    prevalence: float | None = Field(
        description="share of abnormal studies that every probability of the page assumes; null where none is shown"
    )

    @classmethod
    def of(cls, page: Page, ranks: Ranks, promise: Promise, *, model: str | None, blind: bool) -> Self:
        """`model` decides here: SHA-256 of its weights."""
        return cls(
            rows=[ranks.row(row, promise, blind=blind) for row in page.rows],
            groups=[
                GroupResponse(
                    clause=group.clause,
                    studies=group.studies,
                    more=group.more,
                    words=f"{'More than ' if group.more else ''}{group.studies:,} studies not scored: {group.clause}. "
                    "Look at the set-up",
                )
                for group in page.groups
            ],
            reference=None
            if blind or model is None
            else ReferenceResponse.of(ranks.known(model), of_site=ranks.is_of_site(model)),
            prevalence=None if blind else promise.prevalence,
            next=page.next,
            previous=page.previous,
            total=page.total,
            more=page.more,
            blind=blind,
        )


class Decided(_Response):
    """What became of a film or a study."""

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


class Found(_Response):
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


class Copy(_Response):
    """The same film, received again with another transfer syntax or another header."""

    film: str
    bytes: int
    source: str
    received: datetime
    changed: list[str] = Field(description="keywords of the attributes that differ; none: the syntax alone does")


class FilmResponse(_Response):
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
    findings: list[Found]
    decision: Decided | None = Field(description="null before it was judged, and where this reader must not see it")
    copies: list[Copy]
    version_of: str | None = Field(
        description="the film that came first under the same SOP Instance UID with other pixels"
    )

    @classmethod
    def of(cls, film: StoredFilm, promise: Promise) -> Self:
        found = cls.model_validate(film)
        return found.model_copy(update={"decision": Decided.of(film.decision, promise)})


class Reported(_Response):
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


class Happened(_Response):
    """One event of the audit trail."""

    seq: int
    time: datetime
    actor: str
    action: str
    subject: str
    body: Mapping[str, str | int | float | bool | None]


class StudyResponse(_Response):
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
    def of(cls, study: Study, promise: Promise) -> Self:
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
