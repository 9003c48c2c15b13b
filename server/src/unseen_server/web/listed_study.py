"""A study as the list shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field

from unseen.screening import refusal_code
from unseen_server.web.promise import Promise, without_promise
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.study_sentences import Reading, conflict_in_words
from unseen_server.worklist.disagreement import FAR
from unseen_server.worklist.listing import ListedStudy
from unseen_server.worklist.patient_identities import IdentityClaim
from unseen_server.worklist.refusals import parted
from unseen_server.worklist.states import allowed

ACTS = ("claim", "release", "report", "undo")
"""Acts of a reader; the other acts of the worklist follow from films and decisions."""


class ModelScore(BaseModel):
    """A loaded model's score of a study, with its percentile."""

    model: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="its bundle's folder")
    score: float = Field(description="the highest of the films that decide about the study")
    rank: float | None = Field(description="the share of the model's reference that scores lower, 0 to 1; null: none")
    sentence: str = Field(description="the percentile and its reference in words; the reason where there is none")


class Listed(ResponseModel, ListedStudy):
    """A study as the list shows it."""

    model: str | None = Field(exclude=True)
    policy: str = Field(exclude=True)
    apart: float | None = Field(exclude=True)
    versions: bool = Field(exclude=True)
    claims: tuple[IdentityClaim, ...] = Field(exclude=True)
    scores: Mapping[str, float] = Field(exclude=True)
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
    outcome: Literal["normal", "abnormal", "unsure"] | None = Field(description="of the report that stands")
    how: Literal["seen", "simulated", "elsewhere", "unrecorded", "returned", "discarded"] | None = Field(
        description="how the report came to be; returned, discarded: it cannot be shown, and is not reported"
    )
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
        entry: ListedStudy,
        promise: Promise,
        reading: Reading | None = None,
        *,
        of: int | None = None,
        models: Sequence[ModelScore] = (),
    ) -> Self:
        """Return the row, with its words in a page."""
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
