"""A film's bytes from the network to the worklist, piece by piece: never whole in memory, never on disk by halves.

Two ways of sending: the bytes alone as the body, with name and source in headers; or a form (multipart), whose fields
`source` and `name` come before its one file. The worklist reads from a thread of its own and asks the event loop for
each piece; whatever goes wrong on the way is raised there, and the worklist then leaves nothing behind.

python-multipart parses forms as they arrive. Starlette's form parser would write the whole film to the system's
temporary folder first (docs/decisions/0022).
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Final, Protocol
from urllib.parse import unquote

import anyio.from_thread
from fastapi import HTTPException, Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers

from unseen.artifacts import number_of
from unseen_server.worklist.states import WorklistError

SILENCE_S = 30.0
"""A sender that is silent for so long is gone."""
WHOLE_S = 900.0
"""Longest time for a film: 256 MiB at 0.3 MB/s."""
MOST_NAME, MOST_SOURCE = 1000, 200
FORM_ROOM: Final = 2**16
"""Bytes of a form beside its file."""
_PIECE = 2**20
_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Upload(Protocol):
    """A film that is coming in; `begin` comes first, then `piece` until it is empty. `size` bytes came so far.

    `source` is the one that the sender names, and "" where it names none.
    """

    name: str
    source: str
    size: int

    async def begin(self) -> None: ...
    async def piece(self) -> bytes: ...


def upload_of(request: Request) -> Upload:
    """Return the film in a request. Raises HTTPException 415 for a form of another kind."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"application/x-www-form-urlencoded":
        raise HTTPException(
            415, "A film is sent as the body itself (Content-Type: application/octet-stream) or as multipart/form-data."
        )
    if kind == b"multipart/form-data":
        if not options.get(b"boundary"):
            raise WorklistError("The form names no boundary in its Content-Type.")
        return Form(RequestStream(request), options[b"boundary"])
    return Raw(request)


def checked_name(text: str, what: str, *, most: int) -> str:
    """`text` where it can be a label: whatever its content, it never becomes a path.

    Raises WorklistError for control characters, marks that turn the direction of writing, and too many characters.

    >>> checked_name("../ward 3/film.dcm", "The film's name", most=100)
    '../ward 3/film.dcm'
    """
    if len(text) > most:
        raise WorklistError(f"{what} has {number_of(len(text), 'character')}, the limit is {most}. Shorten it.")
    if _NO_NAME.search(text):
        raise WorklistError(f"{what} holds control characters. Write it without them.")
    return text


def source_of(headers: Headers) -> str:
    """Return the header X-Film-Source, percent-encoded UTF-8; "" without one.

    Raises WorklistError as `checked_name` does.
    """
    return checked_name(_said(headers.get("x-film-source", "")), "The source", most=MOST_SOURCE)


def pieces(upload: Upload) -> Iterator[bytes]:
    """Yield the film's bytes, asked for from a thread that the event loop has started."""
    while piece := anyio.from_thread.run(upload.piece):
        upload.size += len(piece)
        yield piece


class RequestStream:
    """A request's body with an eye on the clock."""

    def __init__(self, request: Request) -> None:
        self._chunks: AsyncIterator[bytes] = request.stream().__aiter__()
        self.restart()

    def restart(self) -> None:
        """Begin another film of the same request."""
        self._until = time.monotonic() + WHOLE_S

    async def next(self) -> bytes | None:
        """Return the next piece; None at the end."""
        try:
            async with asyncio.timeout(max(0.0, min(SILENCE_S, self._until - time.monotonic()))):
                return await anext(self._chunks, None)
        except TimeoutError:
            raise HTTPException(
                408,
                f"The film's bytes stopped coming for {SILENCE_S:g} s, or took {WHOLE_S:g} s. Nothing was stored. "
                "Send it again.",
                {"Connection": "close"},
            ) from None


class Raw:
    """A film as the body; X-Film-Name and X-Film-Source are percent-encoded UTF-8."""

    def __init__(self, request: Request) -> None:
        self._stream = RequestStream(request)
        self._headers = request.headers
        self.name, self.source, self.size = "", "", 0

    async def begin(self) -> None:
        self.name = checked_name(_said(self._headers.get("x-film-name", "")), "The film's name", most=MOST_NAME)
        self.source = source_of(self._headers)

    async def piece(self) -> bytes:
        gathered = bytearray()
        while len(gathered) < _PIECE and (chunk := await self._stream.next()) is not None:
            gathered += chunk
        return bytes(gathered)


class Form:
    """A film in a form."""

    def __init__(self, stream: RequestStream, boundary: bytes) -> None:
        self._stream = stream
        self.name, self.source, self.size = "", "", 0
        self._events: deque[tuple[str, bytes]] = deque()
        self._field: str | None = None
        self._fields: dict[str, bytearray] = {}
        self._beside = 0
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition = b""
        self._in_file = self._seen_file = self._ended = False
        self._file = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": lambda data, start, end: self._head(0, data[start:end]),
                    "on_header_value": lambda data, start, end: self._head(1, data[start:end]),
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": lambda data, start, end: self._data(data[start:end]),
                    "on_part_end": self._part_ends,
                    "on_end": self._form_ends,
                },
            )
        except MultipartParseError as error:
            raise WorklistError("The form has no usable boundary in its Content-Type.") from error

    async def begin(self) -> None:
        """Read up to where the file begins."""
        while not self._seen_file and await self._more():
            pass
        if not self._seen_file:
            raise WorklistError("The form holds no file. Send the film as its field `file`.")
        if "name" in self._fields:
            self.name = _text(bytes(self._fields["name"]))
        checked_name(self.name, "The film's name", most=MOST_NAME)
        if "source" in self._fields:
            source = _text(bytes(self._fields["source"]))
            self.source = checked_name(source, "The source", most=MOST_SOURCE)

    async def piece(self) -> bytes:
        while len(self._file) < _PIECE and await self._more():
            pass
        gathered = bytes(self._file)
        self._file.clear()
        if not gathered and not self._ended:
            raise WorklistError("The form is cut off. Nothing was stored. Send it again.")
        return gathered

    async def _more(self) -> bool:
        if self._ended or (chunk := await self._stream.next()) is None:
            return False
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise WorklistError("The form is not as multipart/form-data must be. Nothing was stored.") from error
        return True

    def _part_begins(self) -> None:
        self._disposition = b""

    def _head(self, which: int, data: bytes) -> None:
        self._header[which].extend(data)
        self._count(data)

    def _header_ends(self) -> None:
        field, value = (bytes(part) for part in self._header)
        if field.lower() == b"content-disposition":
            self._disposition = value
        self._header = (bytearray(), bytearray())

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._in_file = b"filename" in options
        if self._in_file:
            if self._seen_file:
                raise WorklistError("The form holds several files. Send each film by itself. Nothing was stored.")
            self._seen_file = True
            self.name = _text(options[b"filename"])
            return
        field = _text(options.get(b"name", b""))
        if field not in ("name", "source"):
            raise WorklistError("The form has a field that is none of source, name, file. Nothing was stored.")
        if self._seen_file:
            raise WorklistError(f"The field {field} comes after the file. Give it before. Nothing was stored.")
        self._field = field
        self._fields[field] = bytearray()

    def _data(self, data: bytes) -> None:
        if self._in_file:
            self._file += data
        elif self._field is not None:
            self._count(data)
            self._fields[self._field] += data

    def _part_ends(self) -> None:
        self._field = None

    def _form_ends(self) -> None:
        self._ended = True

    def _count(self, data: bytes) -> None:
        self._beside += len(data)
        if self._beside > FORM_ROOM:
            raise WorklistError(f"The form has more than {FORM_ROOM} bytes beside its file. Nothing was stored.")


def _said(header: str) -> str:
    """Return a header's percent-encoded UTF-8; what was not encoded is taken as it is."""
    return _text(unquote(header, encoding="latin-1").encode("latin-1", errors="replace"))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
