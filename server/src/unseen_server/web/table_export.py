"""Route that exports a table of the worklist as CSV."""

import pathlib
import tempfile
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.state import Parts
from unseen_server.worklist.table_export import export_tables

router = APIRouter(tags=["reports"])

_CSV_OUT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "UTF-8, times in UTC"}}


@router.get("/export/{table}.csv", response_class=Response, responses=_CSV_OUT | answers(401, 403, 422, 503))
def export_table(
    parts: Parts, account: Lead, table: Annotated[Literal["studies", "findings", "decisions", "reports"], InPath()]
) -> Response:
    """Return a whole table: patients and accession numbers as keyed hashes where names are hidden, notes as they were
    written.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    with tempfile.TemporaryDirectory(prefix="unseen-") as folder:
        export_tables(parts.store, folder, named=may_see_names(parts, account))
        data = (pathlib.Path(folder) / f"{table}.csv").read_bytes()
    named = {"Content-Disposition": f'attachment; filename="{table}.csv"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=named)
