"""Replies to expected errors: a status, and `{"error": sentence}`; `middleware` replies to a bug."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from unseen_server.worklist.hidden_places import without_places
from unseen_server.worklist.states import (
    BusyError,
    DamagedError,
    NoRoomError,
    NotAllowedError,
    NotFoundError,
    NotWritableError,
    TooLargeError,
    WorklistError,
)

_STATUSES: Final[dict[type[WorklistError], int]] = {
    NotFoundError: 404,
    NotAllowedError: 409,
    TooLargeError: 413,
    BusyError: 503,
    DamagedError: 503,
    NoRoomError: 507,
}
_MEANT: Final[dict[int, str]] = {
    400: "the request cannot be understood",
    401: "not signed in",
    403: "signed in, but not with the role that this needs; or a cookie came without proof that our own page sent it",
    404: "there is no such thing here",
    408: "the film's bytes stopped coming; nothing was stored",
    409: "the study's state, or another reader, stands against it",
    413: "too many bytes; nothing was stored",
    415: "a kind of content that is not taken here",
    422: "something in the request is not as it must be",
    429: "too many failed sign-ins, or too many requests of one session; wait",
    503: "busy, or out of order: nothing was changed, and trying again is safe",
    507: "the disk is full; nothing was stored",
}
_NOWHERE: Final = "There is nothing at this address. The API is described at /api/v1/openapi.json."


class Problem(BaseModel):
    """Error: what was wrong, what was found, what to do."""

    error: str = Field(description="a sentence for the person who asked")


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: OpenAPI's objects
    """Return the errors that a route may answer with, for OpenAPI.

    Whoever must be signed in (401) may also ask too often.
    """
    paced = {429} if 401 in statuses else set()
    return {status: {"model": Problem, "description": _MEANT[status]} for status in sorted({*statuses, *paced})}


def problem(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer to an error."""
    return JSONResponse({"error": sentence}, status, headers=headers)


def status_of(error: WorklistError) -> int:
    """Return the status that a refusal of the worklist is answered with.

    >>> status_of(BusyError("locked")), status_of(WorklistError("a damaged cursor"))
    (503, 422)
    """
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 422)


def sentence_of(problems: Sequence[Any]) -> str:  # Any: pydantic's error dictionaries
    """Return pydantic's findings in one line, without the content of the request.

    >>> sentence_of([{"loc": ("body", "note"), "msg": "Field required", "type": "missing"}])
    'note: Field required.'
    >>> sentence_of([{"loc": ("body", "colour"), "msg": "Unexpected keyword argument", "type": "extra_forbidden"}])
    'colour: no such field.'
    """
    reasons = []
    for found in problems[:3]:
        where = ".".join(str(part) for part in found["loc"] if part not in ("body", "query", "path", "header"))
        if found["type"] == "json_invalid":
            reasons.append("The body is not JSON")
        elif found["type"] in ("extra_forbidden", "unexpected_keyword_argument"):  # of a model, of a dataclass
            reasons.append(f"{where or 'The body'}: no such field")
        else:
            reasons.append(f"{where or 'The body'}: {found['msg']}".rstrip("."))
    further = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "; ".join(reasons) + further + "."


def answer_errors(app: FastAPI) -> None:
    """Have `app` answer every error that a request can meet with a sentence."""

    @app.exception_handler(WorklistError)
    async def refused(request: Request, error: WorklistError) -> JSONResponse:
        status = status_of(error)
        detail = without_places(str(error), request.app.state.served.store)
        soon = isinstance(error, BusyError) and not isinstance(error, NotWritableError)  # others stay as they are
        return problem(status, detail, {"Retry-After": "1"} if soon else None)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, sentence_of(error.errors()))

    @app.exception_handler(HTTPException)
    async def answered(request: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = _NOWHERE
        elif error.status_code == 405:
            detail = f"{request.method} is not taken here. See /api/v1/openapi.json."
        elif error.status_code == 400:
            detail = f"The body cannot be read: {detail.rstrip('.')}." if "parsing" in detail else detail
        return problem(error.status_code, detail, dict(error.headers or {}))
