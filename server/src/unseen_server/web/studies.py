"""Studies: claimed, reported; reports of other systems; news for open pages.

What other systems have reported comes in, and the worklist's tables go out: for leads.

News for pages that are open: one line whenever something in the worklist has changed (server-sent events).
"""

import json
import pathlib
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Path, Request, Response
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from unseen_server.web.accounts import Lead, Reader, is_lead
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import may_see_names, study_for
from unseen_server.web.listed_study import Listed
from unseen_server.web.promise import Promise
from unseen_server.web.shapes import Note, Outcome, StudyResponse
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.accounts import Account
from unseen_server.worklist.import_export import Imported, export_tables, import_elsewhere
from unseen_server.worklist.readers import MOST_DWELL_MS
from unseen_server.worklist.states import WorklistError

router = APIRouter(prefix="/studies", tags=["studies"])
StudyId = Annotated[str, Path(max_length=40, description="s-…; one that was joined to another still finds it")]


class Verdict(BaseModel):
    """What the reader saw."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    note: Note = ""
    dwell_ms: int | None = Field(
        default=None,
        ge=0,
        le=MOST_DWELL_MS,
        description="milliseconds from the first display of a film of the study to the report; null: it was not "
        "measured, as by another program",
    )


class Draft(BaseModel):
    """What is written and not reported."""

    model_config = ConfigDict(extra="forbid")

    note: Note


class Aside(BaseModel):
    """What becomes of films that cannot be shown: they are never labelled."""

    model_config = ConfigDict(extra="forbid")

    how: Literal["returned", "discarded"] = Field(
        description="returned: its sender should send the film again. This is recorded, and nothing is sent"
    )
    reason: Annotated[str, Field(min_length=1, max_length=20_000, description="what is wrong with it")]


class Claimed(BaseModel):
    """The study is the reader's until then."""

    until: datetime
    study: Listed


class Requeued(BaseModel):
    """How many films are scored again."""

    films: int


@router.get("/{study}", responses=answers(401, 404, 422, 503))
def whole(parts: Parts, account: Reader, study: StudyId) -> StudyResponse:
    """Everything about one study that the asker may see."""
    found = parts.store.study(study, blind=parts.is_blind(account.role), reader=account.name)
    return study_for(parts, account, StudyResponse.of(found, _promise(parts)))


@router.post("/{study}/claim", responses=answers(401, 403, 404, 409, 422, 503))
def claim(parts: Parts, account: Reader, study: StudyId) -> Claimed:
    """Take it for reading. Of two requests at once one succeeds; the other gets the reader's name. Again: longer."""
    until = parts.store.claim(study, account.name)
    return Claimed(until=until, study=_entry(parts, account, study))


@router.post("/{study}/release", responses=answers(401, 403, 404, 409, 422, 503))
def release(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Release it unreported; a lead may release another reader's study."""
    parts.store.release(study, account.name, as_lead=is_lead(account))
    return _entry(parts, account, study)


@router.post("/{study}/report", responses=answers(400, 401, 403, 404, 409, 422, 503))
def report(parts: Parts, account: Reader, study: StudyId, verdict: Verdict) -> Listed:
    """Report a study that one has taken, and of which every frontal film was shown to one (`POST /films/…/seen`).

    409 for a dwell time below one second, which is a key pressed twice.
    """
    parts.store.report(study, account.name, verdict.outcome, verdict.note, dwell_ms=verdict.dwell_ms)
    return _entry(parts, account, study)


@router.put("/{study}/draft", status_code=204, responses=answers(401, 403, 404, 422, 503))
def draft(parts: Parts, account: Reader, study: StudyId, written: Draft) -> None:
    """Keep the asker's note until they report the study; "" removes it."""
    parts.store.keep_draft(study, account.name, written.note)


@router.post("/{study}/set-aside", responses=answers(400, 401, 403, 404, 409, 422, 503))
def set_aside(parts: Parts, account: Reader, study: StudyId, aside: Aside) -> Listed:
    """Record what cannot be shown of a study that one has taken as returned to its sender, or as discarded.

    Nothing is sent to the sender. Every film is tried first; 409 where all can be shown. The study leaves the list
    unless films of it are left, which are then reported.
    """
    films = parts.store.study(study).films
    broken = [film.film for film in films if film.aside is None and not parts.can_be_shown(film.film)]
    parts.store.set_aside(study, account.name, aside.how, aside.reason, films=broken)
    return _entry(parts, account, study)


@router.post("/{study}/undo", responses=answers(401, 403, 404, 409, 422, 503))
def undo(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Take the report back, and the study in hand again; a lead may take back another's."""
    parts.store.undo(study, account.name, as_lead=is_lead(account))
    return _entry(parts, account, study)


@router.post("/{study}/confirm", responses=answers(401, 403, 404, 409, 422, 503))
def confirm(parts: Parts, account: Reader, study: StudyId) -> Listed:
    """Confirm the outcome of another system's report, after every frontal film was shown to the asker.

    Reports of other systems count in a calibration only after 50 confirmations.
    """
    parts.store.confirm_report(study, account.name)
    return _entry(parts, account, study)


@router.post("/{study}/requeue", responses=answers(401, 403, 404, 409, 422, 503))
def requeue(parts: Parts, account: Lead, study: StudyId) -> Requeued:
    """Have those of its films scored again that could not be."""
    return Requeued(films=parts.store.requeue(study, actor=account.name))


def _entry(parts: ServerState, account: Account, study: str) -> Listed:
    found = parts.store.study(study, blind=parts.is_blind(account.role), reader=account.name)
    return Listed.made(found.entry, _promise(parts))


def _promise(parts: ServerState) -> Promise:
    return parts.promise()


reports_router = APIRouter(tags=["reports"])
MOST_CSV = 16 * 2**20
"""Bytes of a table: some hundred thousand reports."""

_CSV_IN: dict[str, Any] = {  # Any: OpenAPI's objects
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
}
_CSV_OUT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "UTF-8, times in UTC"}}


class Elsewhere(BaseModel):
    """Which study another system has reported: by accession number, or by a film's digest."""

    model_config = ConfigDict(extra="forbid")

    accession: str | None = Field(default=None, max_length=200)
    film_sha256: str | None = Field(default=None, max_length=100)
    outcome: Outcome | None = None
    note: Note = ""


class Marked(BaseModel):
    """How many studies left the list; 0 where they had before."""

    studies: int


class RowRefused(BaseModel):
    """A row that was not used; the reason does not repeat the row's content."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str


class TableTaken(BaseModel):
    """What became of a table's rows."""

    model_config = ConfigDict(from_attributes=True)

    marked: int
    already: int
    refused: list[RowRefused]


@reports_router.post("/reported-elsewhere", responses=answers(400, 401, 403, 404, 409, 422, 503))
def reported_elsewhere(parts: Parts, account: Lead, said: Elsewhere) -> Marked:
    """Take a study off the list that another system has reported."""
    return Marked(studies=parts.store.reported_elsewhere(**said.model_dump(), actor=account.name))


@reports_router.post(
    "/reported-elsewhere/table", openapi_extra=_CSV_IN, responses=answers(401, 403, 413, 415, 422, 503)
)
async def import_table(request: Request, parts: Parts, account: Lead) -> TableTaken:
    """The same for a CSV with the columns accession or film_sha256, and, where known, outcome and note.

    A row that cannot be used is named with its line and its reason, and the others count. Again: nothing changes.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/csv", "application/csv", "application/octet-stream", "text/plain", ""):
        raise HTTPException(
            415, "A table is sent as text/csv: curl --data-binary @reports.csv -H 'Content-Type: text/csv'"
        )
    data = await request.body()
    return TableTaken.model_validate(await anyio.to_thread.run_sync(_imported, parts, data, account.name))


@reports_router.get("/export/{table}.csv", response_class=Response, responses=_CSV_OUT | answers(401, 403, 422, 503))
def export_table(
    parts: Parts, account: Lead, table: Annotated[Literal["studies", "findings", "decisions", "reports"], InPath()]
) -> Response:
    """A whole table: patients and accession numbers as keyed hashes where names are hidden, notes as they were written.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder:
        export_tables(parts.store, folder, named=may_see_names(parts, account))
        data = (pathlib.Path(folder) / f"{table}.csv").read_bytes()
    named = {"Content-Disposition": f'attachment; filename="{table}.csv"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=named)


def _imported(parts: ServerState, data: bytes, actor: str) -> Imported:
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder:
        path = pathlib.Path(folder) / "table.csv"
        path.write_bytes(data)
        try:
            return import_elsewhere(parts.store, path, actor=actor)
        except WorklistError as error:  # its sentence names the file
            raise type(error)(str(error).replace(str(path), "The table")) from None


events_router = APIRouter(tags=["events"])
_STEP_S = 0.2
_ALIVE_S = 15.0  # proxies hang up on streams that are silent


@events_router.get("/events", response_class=StreamingResponse, responses=answers(401, 503))
async def events(parts: Parts, account: Reader) -> StreamingResponse:
    """A stream of `changed` events; each holds the number of the latest change, and nothing else about it."""
    return StreamingResponse(_stream(parts), media_type="text/event-stream")


async def _stream(parts: ServerState) -> AsyncIterator[str]:
    sent, spoke = await anyio.to_thread.run_sync(parts.pulse.latest), time.monotonic()
    yield "retry: 2000\n\n"  # what changes once this was heard is news
    while not parts.stopping.is_set():
        await anyio.sleep(_STEP_S)
        seen = await anyio.to_thread.run_sync(parts.pulse.latest)
        if seen != sent:
            sent, spoke = seen, time.monotonic()
            yield f"event: changed\ndata: {json.dumps({'seq': seen})}\n\n"
        elif time.monotonic() - spoke > _ALIVE_S:
            spoke = time.monotonic()
            yield ": still here\n\n"
