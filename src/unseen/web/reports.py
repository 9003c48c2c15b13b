"""What other systems have reported comes in, and the worklist's tables go out: for leads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from unseen.web.errors import answers
from unseen.web.served import Parts, Served
from unseen.web.shapes import Note, Outcome
from unseen.web.who import Lead
from unseen.worklist.errors import WorklistError
from unseen.worklist.exporting import export_tables
from unseen.worklist.importing import Imported, import_elsewhere

router = APIRouter(tags=["reports"])
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
    """A row that was not used; the reason does not repeat what the row says."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str


class TableTaken(BaseModel):
    """What became of a table's rows."""

    model_config = ConfigDict(from_attributes=True)

    marked: int
    already: int
    refused: list[RowRefused]


@router.post("/reported-elsewhere", responses=answers(400, 401, 403, 404, 409, 422, 503))
def reported_elsewhere(parts: Parts, account: Lead, said: Elsewhere) -> Marked:
    """Take a study off the list that another system has reported."""
    return Marked(studies=parts.store.reported_elsewhere(**said.model_dump(), actor=account.name))


@router.post("/reported-elsewhere/table", openapi_extra=_CSV_IN, responses=answers(401, 403, 413, 415, 422, 503))
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


@router.get("/export/{table}.csv", response_class=Response, responses=_CSV_OUT | answers(401, 403, 422, 503))
def export_table(
    parts: Parts, account: Lead, table: Annotated[Literal["studies", "findings", "decisions", "reports"], InPath()]
) -> Response:
    """A whole table: pseudonyms as they are stored, notes as readers wrote them."""
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder:
        export_tables(parts.store, folder)
        data = (Path(folder) / f"{table}.csv").read_bytes()
    named = {"Content-Disposition": f'attachment; filename="{table}.csv"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=named)


def _imported(parts: Served, data: bytes, actor: str) -> Imported:
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(data)
        try:
            return import_elsewhere(parts.store, path, actor=actor)
        except WorklistError as error:  # its sentence names the file
            raise type(error)(str(error).replace(str(path), "The table")) from None
