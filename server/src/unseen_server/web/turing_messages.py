"""Messages of the visual Turing test: its requests and replies, and its result in words."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from unseen.evaluation import Interval, proportion
from unseen_server.web.request_model import RequestModel
from unseen_server.web.turing_rounds import COUNTS, DEFAULT_COUNT, Count
from unseen_server.worklist.own_films import MOST_OWN as MOST

Kind = Literal["real", "generated"]


class Offered(BaseModel):
    """A model whose images can be judged, or the reason why not."""

    model: str = Field(description="SHA-256 of its weights")
    name: str
    generated: int = Field(description="images of its generator; 0 where it has none")
    own: int = Field(description=f"films of this site that it scored, {MOST} at most")
    counts: list[int] = Field(description="how long a round may be")
    missing: str = Field(description='what is missing for a round; "" where nothing is')


class Offer(BaseModel):
    """Models with which a round can be played."""

    models: list[Offered]
    choices: list[int] = Field(default=list(COUNTS), description="how long a round may be with enough films")
    preset: int = Field(default=DEFAULT_COUNT, description="the choice where nothing else is chosen")
    missing: str = Field(description='why there is no round with any of them; "" where there is one')


class Wanted(RequestModel):
    """A round that is wanted."""

    model: str = Field(pattern="^[0-9a-f]{64}$")
    count: Count = DEFAULT_COUNT


class RoundResponse(BaseModel):
    """A round, as far as its reader may know."""

    round: str
    model: str
    name: str
    pictures: list[int] = Field(description="from 1, in the order in which they are shown")
    answered: list[int]
    words: str = Field(description="whose films the real ones are")


class Answer(RequestModel):
    """Answer for one image."""

    k: int = Field(ge=1, le=max(COUNTS))
    answer: Kind


class AnswerShare(BaseModel):
    """Right answers of so many, with the exact 95 % interval (Clopper & Pearson 1934)."""

    right: int
    of: int
    value: float | None = Field(description="null for none of none")
    low: float | None
    high: float | None

    @classmethod
    def of_answers(cls, right: int, of: int) -> AnswerShare:
        found = proportion(right, of, without="no such image came")
        if not isinstance(found, Interval):
            return cls(right=right, of=of, value=None, low=None, high=None)
        return cls(right=right, of=of, value=found.value, low=found.low, high=found.high)


class Revealed(BaseModel):
    """An image, what it was taken for, and what it is."""

    k: int
    answer: Kind
    truth: Kind


class Result(BaseModel):
    """Result of a round."""

    round: str
    name: str
    words: str = Field(description="whether this differs from guessing")
    all: AnswerShare
    real: AnswerShare
    generated: AnswerShare
    pictures: list[Revealed]


class Earlier(BaseModel):
    """A round that is in the audit trail."""

    time: datetime
    reader: str
    model: str
    name: str
    all: AnswerShare


class Finished(BaseModel):
    """Rounds that were finished, latest first: one's own; a lead's list has everybody's."""

    rounds: list[Earlier]


def in_words(share: AnswerShare) -> str:
    """State whether a share differs from guessing.

    >>> in_words(AnswerShare.of_answers(12, 20))
    'This does not differ from guessing: the interval, 36 % to 81 %, holds 50 %.'
    >>> in_words(AnswerShare.of_answers(18, 20)).partition(":")[0]
    'This is better than guessing'
    """
    if share.low is None or share.high is None:
        return "Nothing was answered."
    ends = f"the interval, {100 * share.low:.0f} % to {100 * share.high:.0f} %,"
    if share.low > 0.5:
        return f"This is better than guessing: {ends} lies above 50 %. The generated images differ visibly from films."
    if share.high < 0.5:
        return f"This is worse than guessing: {ends} lies below 50 %. A difference was seen, the wrong way round."
    return f"This does not differ from guessing: {ends} holds 50 %."
