"""STOW-RS: DICOM objects over HTTP (PS3.18 section 10.5), several in a request, each kept before it is answered for.

Each part goes through `WorklistFilms.receive` as it comes, with its header, so that a film joins its study at once.
A part that is refused is reported with its reason (PS3.18 table I.2-2), and the others are kept. Whoever has heard
nothing sends again: the same bytes are kept once.

A multipart/related body (RFC 2387), part by part as it comes: one part's bytes at a time, and never all of one.

python-multipart parses; what it finds in a chunk of the network waits in a queue of that chunk's size.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.from_thread
import anyio.to_thread
from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from unseen.data import LEADING_BYTES, Refused, SyntaxRefusedError, leading_header
from unseen_server.web.allowed_sources import film_source
from unseen_server.web.authentication import Sender
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts, ServerState
from unseen_server.web.upload_stream import RequestStream, source_of
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import STORE_FAULTS, TooLargeError, WorklistError

if TYPE_CHECKING:
    from unseen_server.web.upload_stream import RequestStream
    from unseen_server.worklist.accounts import Account


_PIECE: Final = 2**20
_CUT: Final = "The body ends before its closing boundary. Send what was not acknowledged again."


class RelatedParts:
    """The parts of a body: `next` goes to the next one, `piece` returns its bytes until they are empty.

    Both raise HTTPException 400 where the body is no multipart/related, or is cut off.
    """

    def __init__(self, stream: RequestStream, boundary: bytes) -> None:
        self._stream = stream
        self._events: deque[tuple[str, bytes]] = deque()
        self._field = self._value = b""
        self._kind = b""
        self._inside = self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._field_comes,
                    "on_header_value": self._value_comes,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": lambda: self._events.append(("part", self._kind)),
                    "on_part_data": lambda data, start, end: self._events.append(("data", data[start:end])),
                    "on_part_end": lambda: self._events.append(("end", b"")),
                    "on_end": lambda: self._events.append(("last", b"")),
                },
            )
        except FormParserError as error:
            raise HTTPException(400, "The boundary in the Content-Type cannot be used.") from error

    async def next(self) -> str | None:
        """Leave out what is left of the part, and go to the next; returns its media type ("" where it names none).

        None after the last part.
        """
        while not self._ended:
            name, data = await self._event()
            if name == "part":
                self._inside = True
                self._stream.restart()
                return parse_options_header(data)[0].decode("latin-1").lower()
            self._ended = name == "last"
        return None

    async def piece(self) -> bytes:
        """Return the part's next bytes, about a mebibyte; b"" at its end."""
        gathered = bytearray()
        while self._inside and len(gathered) < _PIECE:
            name, data = await self._event()
            gathered += data
            self._inside = name == "data"
        return bytes(gathered)

    async def _event(self) -> tuple[str, bytes]:
        while not self._events:
            chunk = await self._stream.next()
            if chunk is None:
                raise HTTPException(400, _CUT)
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise HTTPException(400, "The body is not as multipart/related must be (RFC 2387).") from error
        return self._events.popleft()

    def _part_begins(self) -> None:
        self._field = self._value = self._kind = b""

    def _field_comes(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _value_comes(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._field.lower() == b"content-type":
            self._kind = self._value
        self._field = self._value = b""


_log = logging.getLogger("unseen")

STOW: Final = "/dicom-web/studies"
MOST_BYTES: Final = 2**34
"""Largest request: two thousand films of 8 MB."""
MOST_PARTS: Final = 2000
JSON: Final = "application/dicom+json"
NO_RESOURCES, MISMATCH, NOT_UNDERSTOOD, TOO_LARGE, NO_SYNTAX = 0xA700, 0xA900, 0xC000, 0xC001, 0xC122
"""Failure Reason (0008,1197): out of resources; the data set does not match; cannot understand; too large, the status
of the DICOM node, too; transfer syntax not supported."""

router = APIRouter(prefix=STOW, tags=["dicomweb"])
StudyUid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="StudyInstanceUID; other studies are refused")]
_UID: Final = re.compile(r"[0-9.]{1,64}")


_ITEMS: Final[dict[str, Any]] = {  # Any: OpenAPI's objects
    "type": "object",
    "required": ["vr", "Value"],
    "properties": {"vr": {"const": "SQ"}, "Value": {"type": "array", "items": {"type": "object"}}},
}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Store Instances Response",
    "description": "DICOM JSON (PS3.18 annex F and table I.2-1)",
    "properties": {
        "00081198": _ITEMS | {"title": "Failed SOP Sequence"},
        "00081199": _ITEMS | {"title": "Referenced SOP Sequence"},
        "0008119A": _ITEMS | {"title": "Other Failures Sequence"},
    },
    "additionalProperties": False,
}


def _response(words: str) -> dict[str, Any]:
    return {"description": words, "content": {JSON: {"schema": _SCHEMA}}}


_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/related": {
                "schema": {"type": "string", "format": "binary", "description": "parts of type application/dicom"}
            },
        },
    },
    "parameters": [
        {
            "name": "X-Film-Source",
            "in": "header",
            "schema": {"type": "string"},
            "description": "the source, percent-encoded UTF-8: one that the account may send under, else 403; without "
            "it the account's only source",
        }
    ],
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: _response("all instances are kept"),
    202: _response("some are kept, some are refused"),
    409: _response("all are refused"),
    **answers(400, 401, 403, 408, 413, 415, 422, 503),
}


@dataclass(kw_only=True)
class _Outcome:
    """Result of the parts so far."""

    referenced: list[dict[str, Any]] = field(default_factory=list)  # Any: DICOM JSON
    failed: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    warning: str = ""

    @property
    def parts(self) -> int:
        return len(self.referenced) + len(self.failed) + len(self.others)

    def kept(self, header: ReceivedHeader) -> None:
        self.referenced.append(_reference(header))

    def refused(self, header: ReceivedHeader | None, reason: int) -> None:
        why = {"00081197": _attribute("US", reason)}
        if header is None or not (_UID.fullmatch(header.instance) and _UID.fullmatch(header.sop_class)):
            self.others.append(why)
        else:
            self.failed.append(_reference(header) | why)

    @property
    def status(self) -> int:
        """PS3.18 table 10.5.3-1."""
        if not self.failed and not self.others:
            return 200
        return 202 if self.referenced else 409

    def answer(self) -> JSONResponse:
        found = {"00081198": self.failed, "00081199": self.referenced, "0008119A": self.others}
        body = {tag: {"vr": "SQ", "Value": items} for tag, items in found.items() if items}
        headers = {"Warning": f'299 unseen "{self.warning}"'} if self.warning else None  # PS3.18 section 8.4.3
        return JSONResponse(body, self.status, headers, media_type=JSON)


@router.post("", response_class=JSONResponse, openapi_extra=_BODY, responses=_ANSWERS)
async def store_instances(request: Request, parts: Parts, account: Sender) -> JSONResponse:
    """Send DICOM objects, each a part of type application/dicom. The answer names those that are kept.

    What is answered for as kept is on the disk. Research use only: nothing of the answer is a finding.
    """
    return await _stored(request, parts, account, study=None)


@router.post("/{study}", response_class=JSONResponse, openapi_extra=_BODY, responses=_ANSWERS)
async def store_instances_of_a_study(request: Request, parts: Parts, account: Sender, study: StudyUid) -> JSONResponse:
    """Store objects of one study; those of another are refused."""
    return await _stored(request, parts, account, study=study)


async def _stored(request: Request, parts: ServerState, account: Account, *, study: str | None) -> JSONResponse:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/related" or options.get(b"type", b"application/dicom").lower() != b"application/dicom":
        raise HTTPException(415, 'DICOM objects are sent as multipart/related; type="application/dicom".')
    if not options.get(b"boundary"):
        raise HTTPException(400, "The Content-Type names no boundary.")
    source = film_source(account, source_of(request.headers), default=account.name)
    related = RelatedParts(RequestStream(request), options[b"boundary"])
    outcome = _Outcome()
    while (kind_of_part := await related.next()) is not None:
        if outcome.parts >= MOST_PARTS:
            raise HTTPException(413, f"More than {MOST_PARTS} parts; those before are kept. Send fewer in a request.")
        header: ReceivedHeader | None = None
        try:
            if kind_of_part not in ("", "application/dicom"):
                raise Refused("A part is of another type than application/dicom.")
            begin = await _beginning(related)
            header = ReceivedHeader.of(leading_header(begin[:LEADING_BYTES]))
            if reason := _unfit(header, study):
                outcome.refused(header, reason)
                continue
            await _receive(related, begin, header, parts, source=source, actor=account.name)
        except SyntaxRefusedError:
            outcome.refused(header, NO_SYNTAX)
        except Refused:
            outcome.refused(header, NOT_UNDERSTOOD)
        except WorklistError as error:
            _log.warning("stow.refused reason=%s", type(error).__name__)
            if isinstance(error, TooLargeError):
                outcome.warning = (
                    f"An object has more than {parts.store.site.max_film_bytes} bytes, which is the limit; it was not "
                    "stored. Export it in its ordinary size."
                )
                outcome.refused(header, TOO_LARGE)
            elif isinstance(error, STORE_FAULTS):
                outcome.refused(header, NO_RESOURCES)
            else:
                outcome.refused(header, NOT_UNDERSTOOD)
        else:
            outcome.kept(header)
    if not outcome.parts:
        raise HTTPException(400, "The body has no part. Send each DICOM object as one.")
    return outcome.answer()


async def _beginning(related: RelatedParts) -> bytes:
    """Return the part's first bytes, as many as its header may take."""
    gathered = bytearray()
    while len(gathered) < LEADING_BYTES and (piece := await related.piece()):
        gathered += piece
    return bytes(gathered)


def _unfit(header: ReceivedHeader, study: str | None) -> int:
    """Return the Failure Reason of an object that is refused; 0 for an object that is accepted."""
    if not all(_UID.fullmatch(one) for one in (header.sop_class, header.instance, header.study)):
        return NOT_UNDERSTOOD
    return MISMATCH if study is not None and header.study != study else 0


async def _receive(
    related: RelatedParts, begin: bytes, header: ReceivedHeader, parts: ServerState, *, source: str, actor: str
) -> None:
    def pieces() -> Iterator[bytes]:
        yield begin
        while piece := anyio.from_thread.run(related.piece):
            yield piece

    async with parts.uploads.place(actor):
        receipt = await anyio.to_thread.run_sync(
            lambda: parts.store.films.receive(
                pieces(), name=header.instance, source=source, actor=actor, header=header
            ),
            limiter=anyio.CapacityLimiter(1),  # its place is taken above; other requests keep their threads
        )
    _log.info("film.acknowledged id=%s already=%s", receipt.film_id, receipt.already)


def _reference(header: ReceivedHeader) -> dict[str, Any]:
    return {"00081150": _attribute("UI", header.sop_class), "00081155": _attribute("UI", header.instance)}


def _attribute(vr: str, value: str | int) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}
