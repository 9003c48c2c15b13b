"""Routes of one study: claim, draft, report, set aside, undo."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Lead, Reader, is_lead
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import study_for
from unseen_server.web.listed_study import Listed
from unseen_server.web.promise import Promise
from unseen_server.web.request_model import RequestModel
from unseen_server.web.shapes import Note, Outcome, StudyResponse
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import Account
from unseen_server.worklist.report_entry import MOST_DWELL_MS

router = APIRouter(prefix="/studies", tags=["studies"])
StudyId = Annotated[str, Path(max_length=40, description="s-…; one that was joined to another still finds it")]

OpenPage = Annotated[
    str | None, Query(max_length=64, description="random name of the browser's page that shows the study")
]


class Verdict(RequestModel):
    """Report of a reader."""

    outcome: Outcome
    note: Note = ""
    dwell_ms: int | None = Field(
        default=None,
        ge=0,
        le=MOST_DWELL_MS,
        description="milliseconds from the first display of a film of the study to the report; null: it was not "
        "measured, as by another program",
    )


class Draft(RequestModel):
    """Note that is written and not reported."""

    note: Note


class Aside(RequestModel):
    """Action for films that cannot be shown: they are never labelled."""

    how: Literal["returned", "discarded"] = Field(
        description="returned: its sender should send the film again. This is recorded, and nothing is sent"
    )
    reason: Annotated[str, Field(min_length=1, max_length=20_000, description="what is wrong with it")]


class Claimed(BaseModel):
    """The study is the reader's until then."""

    until: datetime
    study: Listed


class Requeued(BaseModel):
    """Number of films that are scored again."""

    films: int


@router.get("/{study}", responses=answers(401, 404, 422, 503))
def whole(parts: Parts, account: Reader, study: StudyId) -> StudyResponse:
    """Everything about one study that the asker may see."""
    found = parts.store.studies.details(study, blind=parts.is_blind(account.role), reader=account.name)
    return study_for(parts, account, StudyResponse.of(found, _promise(parts)))


@router.post("/{study}/claim", responses=answers(401, 403, 404, 409, 422, 503))
def claim(parts: Parts, account: Reader, study: StudyId, page: OpenPage = None) -> Claimed:
    """Take it for reading. Of two requests at once one succeeds; the other gets the reader's name. Again: longer."""
    with parts.open_pages.lock:
        until = parts.store.studies.claim(study, account.name)
        entry = _entry(parts, account, study)
        if page is not None:
            parts.open_pages.opened((entry.study, account.name, entry.claimed), page)
    return Claimed(until=until, study=entry)


@router.post("/{study}/release", responses=answers(401, 403, 404, 409, 422, 503))
def release(parts: Parts, account: Reader, study: StudyId, page: OpenPage = None) -> Listed:
    """Release it unreported; a lead may release another reader's study.

    With `page`, it stays claimed while another page of the same reader, such as one on another computer, shows it.
    """
    with parts.open_pages.lock:
        if page is not None:
            entry = _entry(parts, account, study)
            if parts.open_pages.closed((entry.study, account.name, entry.claimed), page):
                return entry
        parts.store.studies.release(study, account.name, as_lead=is_lead(account))
    return _entry(parts, account, study)


@router.post("/{study}/report", responses=answers(400, 401, 403, 404, 409, 422, 503))
def report(parts: Parts, account: Reader, study: StudyId, verdict: Verdict) -> Listed:
    """Report a study that one has taken, and of which every frontal film was shown to one (`POST /films/…/seen`).

    409 for a dwell time below one second, which is a key pressed twice.
    """
    parts.store.reports.enter(study, account.name, verdict.outcome, verdict.note, dwell_ms=verdict.dwell_ms)
    return _entry(parts, account, study)


@router.put("/{study}/draft", status_code=204, responses=answers(401, 403, 404, 422, 503))
def draft(parts: Parts, account: Reader, study: StudyId, written: Draft) -> None:
    """Keep the asker's note until they report the study; "" removes it."""
    parts.store.reports.keep_draft(study, account.name, written.note)


@router.post("/{study}/set-aside", responses=answers(400, 401, 403, 404, 409, 422, 503))
def set_aside(parts: Parts, account: Reader, study: StudyId, aside: Aside) -> Listed:
    """Record what cannot be shown of a study that one has taken as returned to its sender, or as discarded.

    Nothing is sent to the sender. Every film is tried first; 409 where all can be shown. The study leaves the list
    unless films of it are left, which are then reported.
    """
    films = parts.store.studies.details(study).films
    broken = [film.film for film in films if film.aside is None and not parts.can_be_shown(film.film)]
    parts.store.reports.set_aside(study, account.name, aside.how, aside.reason, films=broken)
    return _entry(parts, account, study)


@router.post("/{study}/undo", responses=answers(401, 403, 404, 409, 422, 503))
def undo(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Take the report back, and the study in hand again; a lead may take back another's."""
    parts.store.reports.undo(study, account.name, as_lead=is_lead(account))
    return _entry(parts, account, study)


@router.post("/{study}/confirm", responses=answers(401, 403, 404, 409, 422, 503))
def confirm(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Confirm the outcome of another system's report, after every frontal film was shown to the asker.

    Reports of other systems count in a calibration only after 50 confirmations.
    """
    parts.store.reports.confirm(study, account.name)
    return _entry(parts, account, study)


@router.post("/{study}/requeue", responses=answers(401, 403, 404, 409, 422, 503))
def requeue(parts: Parts, account: Lead, study: StudyId) -> Requeued:
    """Have those of its films scored again that could not be."""
    return Requeued(films=parts.store.jobs.requeue(study, actor=account.name))


def _entry(parts: ServerState, account: Account, study: str) -> Listed:
    found = parts.store.studies.details(study, blind=parts.is_blind(account.role), reader=account.name)
    return Listed.made(found.entry, _promise(parts))


def _promise(parts: ServerState) -> Promise:
    return parts.promise()
