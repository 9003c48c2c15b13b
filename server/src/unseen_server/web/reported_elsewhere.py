"""Routes by which another system's reports enter: one, or a table of them."""

import pathlib
import tempfile
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.request_model import RequestModel
from unseen_server.web.response_model import ResponseModel
from unseen_server.web.shapes import Note, Outcome
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.report_import import Imported, RefusedRow, import_elsewhere
from unseen_server.worklist.states import WorklistError

router = APIRouter(tags=["reports"])
MOST_CSV = 16 * 2**20
"""Bytes of a table: some hundred thousand reports."""

_CSV_IN: dict[str, Any] = {  # Any: OpenAPI's objects
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class Elsewhere(RequestModel):
    """Report of another system on a study: by accession number, or by a film's digest."""

    accession: str | None = Field(default=None, max_length=200)
    film_sha256: str | None = Field(default=None, max_length=100)
    outcome: Outcome | None = None
    note: Note = ""


class Marked(BaseModel):
    """Number of studies that left the list, or had no outcome and have one now; 0 if nothing changed."""

    studies: int


class RowRefused(ResponseModel, RefusedRow):
    """A row that was not used; the reason does not repeat the row's content."""


class TableTaken(ResponseModel, Imported):
    """Result of a table's rows."""

    refused: tuple[RowRefused, ...]


@router.post("/reported-elsewhere", responses=answers(400, 401, 403, 404, 409, 422, 503))
def reported_elsewhere(parts: Parts, account: Lead, said: Elsewhere) -> Marked:
    """Take a study off the list that another system has reported.

    A study that is reported elsewhere with another outcome stays as it is: 409.
    """
    return Marked(studies=parts.store.reports.reported_elsewhere(**said.model_dump(), actor=account.name))


@router.post("/reported-elsewhere/table", openapi_extra=_CSV_IN, responses=answers(401, 403, 413, 415, 422, 503))
async def import_table(request: Request, parts: Parts, account: Lead) -> TableTaken:
    """Take outcomes reported elsewhere from a CSV with the columns accession or film_sha256, and, where known, outcome
    and note.

    A row that cannot be used is named with its line and its reason, and the others count. Again: nothing changes.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/csv", "application/csv", "application/octet-stream", "text/plain", ""):
        raise HTTPException(
            415, "A table is sent as text/csv: curl --data-binary @reports.csv -H 'Content-Type: text/csv'"
        )
    data = await request.body()
    return TableTaken.model_validate(await anyio.to_thread.run_sync(_imported, parts, data, account.name))


def _imported(parts: ServerState, data: bytes, actor: str) -> Imported:
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder:
        path = pathlib.Path(folder) / "table.csv"
        path.write_bytes(data)
        try:
            return import_elsewhere(parts.store, path, actor=actor)
        except WorklistError as error:  # its sentence names the file
            raise type(error)(str(error).replace(str(path), "The table")) from None
