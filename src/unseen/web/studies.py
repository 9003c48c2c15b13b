"""Studies: listed, looked at, taken, handed back, reported, taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from unseen.web.errors import answers
from unseen.web.served import Parts, Served
from unseen.web.shapes import Listed, ListedPage, Note, Outcome, Search, StudyTold
from unseen.web.who import Lead, Reader, is_lead
from unseen.worklist.accounts import Account

router = APIRouter(prefix="/studies", tags=["studies"])
StudyId = Annotated[str, Path(max_length=40, description="s-…; one that was joined to another still finds it")]


class Verdict(BaseModel):
    """What the reader saw."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    note: Note = ""


class Claimed(BaseModel):
    """The study is the reader's until then."""

    until: datetime
    study: Listed


class Requeued(BaseModel):
    """How many films are scored again."""

    films: int


class Sources(BaseModel):
    """The sources that studies have, by name."""

    sources: list[str] = Field(description="for the filter of the list")


@router.post("/search", responses=answers(400, 401, 403, 422, 503))
def search(parts: Parts, account: Reader, wanted: Search) -> ListedPage:
    """A page of the list, in the order in which it is to be read."""
    blind = parts.is_blind(account.role)
    return ListedPage.of(parts.store.page(**wanted.model_dump(), blind=blind), parts.ranks, blind=blind)


@router.get("/sources", responses=answers(401, 503))
def sources(parts: Parts, account: Reader) -> Sources:
    """What the list can be filtered by."""
    return Sources(sources=parts.store.sources())


@router.get("/{study}", responses=answers(401, 404, 422, 503))
def whole(parts: Parts, account: Reader, study: StudyId) -> StudyTold:
    """Everything about one study that the asker may see."""
    return StudyTold.of(parts.store.study(study, blind=parts.is_blind(account.role)))


@router.post("/{study}/claim", responses=answers(401, 403, 404, 409, 422, 503))
def claim(parts: Parts, account: Reader, study: StudyId) -> Claimed:
    """Take it for reading; of two who ask at once one gets it, and the other is told who has it. Again: longer."""
    until = parts.store.claim(study, account.name)
    return Claimed(until=until, study=_entry(parts, account, study))


@router.post("/{study}/release", responses=answers(401, 403, 404, 409, 422, 503))
def release(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Hand it back unreported; a lead may hand back another's."""
    parts.store.release(study, account.name, as_lead=is_lead(account))
    return _entry(parts, account, study)


@router.post("/{study}/report", responses=answers(400, 401, 403, 404, 409, 422, 503))
def report(parts: Parts, account: Reader, study: StudyId, verdict: Verdict) -> Listed:
    """Report a study that one has taken."""
    parts.store.report(study, account.name, verdict.outcome, verdict.note)
    return _entry(parts, account, study)


@router.post("/{study}/undo", responses=answers(401, 403, 404, 409, 422, 503))
def undo(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Take the report back, and the study in hand again; a lead may take back another's."""
    parts.store.undo(study, account.name, as_lead=is_lead(account))
    return _entry(parts, account, study)


@router.post("/{study}/requeue", responses=answers(401, 403, 404, 409, 422, 503))
def requeue(parts: Parts, account: Lead, study: StudyId) -> Requeued:
    """Have those of its films scored again that could not be."""
    return Requeued(films=parts.store.requeue(study, actor=account.name))


def _entry(parts: Served, account: Account, study: str) -> Listed:
    return Listed.of(parts.store.study(study, blind=parts.is_blind(account.role)).entry)
