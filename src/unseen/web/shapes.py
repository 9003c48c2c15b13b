"""The API's requests and responses, and what a decision means in plain words.

What the API answers with: pydantic models of the worklist's own values, and of what is asked.

What a decision means, in plain words: which place it gives a study, and what is promised.

A film that was not cleared is never called normal: a score ranks films for reading and is no diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from unseen.screening.policy import Decision
from unseen.web.promise import Promise, percent, without_promise
from unseen.web.state import EARLIER
from unseen.worklist.states import State, allowed

if TYPE_CHECKING:
    from unseen.web.state import Ranks
    from unseen.worklist.accounts import Account
    from unseen.worklist.details import StoredFilm, Study
    from unseen.worklist.listing import Entry, Page

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
        description="of being abnormal; null where this reader must not see it, and while no policy clears"
    )
    score: float | None
    rank: float | None = Field(
        default=None, description="in a page: the share of the reference set that scores lower, 0 to 1; null likewise"
    )
    flag: bool = Field(
        default=False, description="in a page: it differs from the reference set and is to be read earlier"
    )
    film: str | None = Field(description="one to look at; null before a worker has read one")
    outcome: Literal["normal", "abnormal", "unsure"] | None = Field(description="of the report that stands")
    reported_by: str | None
    how: Literal["seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded"] | None = Field(
        description="how the report came to be; returned, discarded: it cannot be shown, and is not reported"
    )
    seen: bool = Field(description="every frontal film was shown to the asker: only then can they report it")
    acts: list[Literal["claim", "release", "report", "undo"]] = Field(
        default=[], description="what its state is open to; whose claim it is may still stand against it"
    )

    @classmethod
    def of(cls, entry: Entry, promise: Promise, *, rank: float | None = None, flag: bool = False) -> Self:
        listed = cls.model_validate(entry)
        update: dict[str, object] = {
            "acts": [act for act in ACTS if act in allowed(entry.state)],
            "rank": rank,
            "flag": flag,
            "reason": without_promise(entry.reason),
        }
        if not promise.covers(entry.policy):
            update["probability"] = None
        return listed.model_copy(update=update)


class Search(BaseModel):
    """Which rows of the list. It is a body, not an address, because `text` may be a patient's number."""

    model_config = ConfigDict(extra="forbid")

    tab: Literal["to_read", "cleared", "reported", "not_scored", "all"] = Field(
        default="to_read", description="every study is on one of to_read, cleared, reported; not_scored: to_read's top"
    )
    source: str | None = Field(default=None, max_length=200, description="of this source alone")
    text: str | None = Field(
        default=None,
        max_length=1000,
        description="whose accession number, patient, StudyInstanceUID, file name, film or study is this, exactly",
    )
    after: str | None = Field(default=None, max_length=1000, description="`next` of an earlier page")
    before: str | None = Field(default=None, max_length=1000, description="`previous` of an earlier page")
    last: bool = Field(default=False, description="the last page")
    limit: int = Field(default=50, ge=1, le=200, description="rows")


class ListedPage(BaseModel):
    """Some rows of a tab, in its order."""

    rows: list[Listed]
    next: str | None = Field(description="a cursor: `after` of the following page; null at the end")
    previous: str | None = Field(description="a cursor: `before` of the page before; null at the beginning")
    total: int = Field(description="rows in the tab under this filter, counted up to 1000")
    more: bool = Field(description="there are more than `total`")
    blind: bool = Field(description="scores and probabilities are left out, since they would tell sampled studies")

    @classmethod
    def of(cls, page: Page, ranks: Ranks, promise: Promise, *, blind: bool) -> Self:
        placed = [(row, ranks.of(row.model, row.score)) for row in page.rows]
        stopped = promise.state == "stopped"
        return cls(
            rows=[
                Listed.of(row, promise, rank=rank, flag=ranks.flags(row, rank, blind=blind, stopped=stopped))
                for row, rank in placed
            ],
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
    p_value: float | None
    priority: float
    reason: str
    policy_digest: str

    @classmethod
    def of(cls, decision: Decision | None, promise: Promise) -> Self | None:
        """The decision; without probabilities where nothing is promised at present."""
        if decision is None:
            return None
        told = cls.model_validate(decision).model_copy(update={"reason": without_promise(decision.reason)})
        kept = promise.covers(decision.policy_digest)
        return told if kept else told.model_copy(update={"probability": None, "p_value": None})


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

    @classmethod
    def of(cls, study: Study, promise: Promise) -> Self:
        sentences = cls.model_validate(study)
        update = {
            "entry": Listed.of(study.entry, promise),
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
    role: Literal["reader", "lead", "admin"]
    disabled: bool = False

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(name=account.name, role=account.role, disabled=account.disabled)


_SOMEWHAT = 0.75  # a rank, below that from which a study is to be read earlier
_MEANS = "A score ranks films for reading. It is no diagnosis."


def in_words(decision: Decision | None, *, rank: float | None, promise: Promise, sampled: bool = False) -> list[str]:
    """Sentences for the reader.

    decision  on the study; None before there was one
    promise   what holds now: without one, nothing of it is shown
    rank      the share of the reference set that scores lower, 0 to 1; None where there is no reference
    sampled   it was cleared, and is read all the same

    >>> no_policy = Decision(action="read", score=3.1, probability=None, p_value=None, priority=0.9,
    ...                      reason="no policy: films are ranked by their score", policy_digest="")
    >>> nothing = Promise(state="ranks", policy=None, why="No policy is in force.")
    >>> in_words(no_policy, rank=0.99, promise=nothing)[0]
    'It differs from the reference set: read it earlier.'
    >>> in_words(None, rank=None, promise=nothing)
    ['No worker has looked at it yet.']
    """
    if decision is None:
        return ["No worker has looked at it yet."]
    if decision.action == "not_scored":
        return ["It was not scored, so a person looks at it first.", sentence(decision.reason)]
    covered = promise.covers(decision.policy_digest)
    if decision.action == "clear":
        sentences = [
            "The policy clears it; it stays in its own tab, and anybody may read it."
            if covered
            else "It was cleared by a policy that clears nothing at present. Anybody may read it.",
            sentence(without_promise(decision.reason)),
        ]
        return [*sentences, "It was drawn for the audit sample, so it is read all the same."] if sampled else sentences
    sentences = [_place(rank), _MEANS, sentence(decision.reason)]
    if covered and decision.probability is not None:
        sentences.append(
            f"Probability of being abnormal, at this site's share of abnormal films: {percent(decision.probability)}."
        )
    if covered and decision.p_value is not None:
        sentences.append(f"Of the calibration's normal studies, {percent(decision.p_value)} are at least as unusual.")
    if decision.policy_digest and promise.state == "stopped":
        sentences.append(promise.why)
    return sentences


def sentence(text: str) -> str:
    """`text` with a capital and a full stop.

    >>> sentence("no policy")
    'No policy.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in (".", "!", "?", "") else ".")


def _place(rank: float | None) -> str:
    if rank is None:
        return "There is no reference set yet that it could be compared with."
    if rank >= EARLIER:
        return "It differs from the reference set: read it earlier."
    if rank >= _SOMEWHAT:
        return "It differs somewhat from the reference set."
    return "It lies within the reference set."
