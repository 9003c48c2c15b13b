"""A multipart/related body (RFC 2387), part by part as it comes: one part's bytes at a time, and never all of one.

python-multipart parses; what it finds in a chunk of the network waits in a queue of that chunk's size.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from fastapi import HTTPException
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from unseen.web.upload_stream import RequestStream

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
        """The part's next bytes, about a mebibyte; b"" at its end."""
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
