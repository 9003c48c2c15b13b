"""Frames of MLLP in the bytes of a connection: a message stands between 0x0B and 0x1C 0x0D.

Some senders leave the 0x0D out. A frame then ends where a line feed, the next 0x0B, a pause or the end of the
connection follows the 0x1C. A 0x1C with text after it is part of the text: a report is never cut there.

HL7 v2.5.1, appendix C (minimal lower layer protocol).
"""

from __future__ import annotations

import re
from typing import Final

START: Final = b"\x0b"
END: Final = b"\x1c\x0d"
_STOP: Final = END[:1]
_ENDS: Final = re.compile(rb"\x1c[\r\n\x0b]")


class MllpFrames:
    """Frames of one connection, as its bytes come. Each byte is searched once."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._searched = 0  # up to here no frame ends

    def __len__(self) -> int:
        """Return the number of bytes that belong to no whole frame yet."""
        return len(self._kept)

    @property
    def begun(self) -> bytes:
        """Content of the frame that has not ended."""
        return bytes(self._kept[len(START) :])

    def feed(self, piece: bytes) -> None:
        """Add bytes that came."""
        self._kept += piece

    def next(self) -> bytes | None:
        """Take the content of the next whole frame; None where none has ended.

        >>> frames = MllpFrames()
        >>> frames.feed(bytes([11]) + b"one" + bytes([28, 13, 11]) + b"two")
        >>> frames.next(), frames.next(), frames.begun
        (b'one', None, b'two')
        """
        self._drop_noise()
        found = _ENDS.search(self._kept, self._searched)
        if found is None:
            self._searched = max(0, len(self._kept) - 1)
            return None
        return self._taken(found.start(), found.end() - (found[0][1:] == START))

    def rest(self) -> bytes | None:
        """Take the content of a frame whose last byte so far is 0x1C: for a sender that pauses or has closed."""
        self._drop_noise()
        return self._taken(len(self._kept) - 1, len(self._kept)) if self._kept.endswith(_STOP) else None

    def _taken(self, end: int, after: int) -> bytes:
        content = bytes(self._kept[len(START) : end])
        del self._kept[:after]
        self._searched = 0
        return content

    def _drop_noise(self) -> None:
        """Drop bytes outside of frames, which have no meaning."""
        begun = self._kept.find(START)
        if begun:
            del self._kept[: begun if begun > 0 else len(self._kept)]
            self._searched = 0
