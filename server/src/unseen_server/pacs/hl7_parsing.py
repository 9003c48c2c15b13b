"""HL7 version 2 messages as they are written (ER7): bytes to segments, fields and text.

A message's character set is the one that it names in MSH-18; escape sequences become the characters that they stand
for. HL7 v2.5.1, sections 2.5 to 2.9; table 0211 (character sets). `hl7_acknowledgement` writes the answers.

hl7apy parses the same in a hundred times as long (0.5 s for a report of 500 lines), and escapes escape sequences once
more, so that `\\.br\\` and an escaped backslash cannot be distinguished. The tests compare what is read here with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_ESCAPED = re.compile(r"\\([^\\]{0,200})\\")
_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d{1,4})?([+-]\d{4})?")
CHARSETS: Final = {
    "": "utf-8",
    "ASCII": "utf-8",  # senders write it beside letters that it does not have; those are then UTF-8, or refused
    "ISOIR6": "utf-8",
    "UNICODEUTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE": "utf-8",
    **{f"8859/{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
    "ISOIR14": "iso2022_jp_3",
    "ISOIR87": "iso2022_jp_3",
    "ISOIR159": "iso2022_jp_2",
    "GB18030-2000": "gb18030",
    "KSX1001": "euc_kr",
    "BIG-5": "big5",
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
    **{f"WINDOWS-125{part}": f"cp125{part}" for part in range(9)},
}
"""Table 0211, without its spaces, and names of other standards that senders write there, to Python's codecs."""
_SPELLINGS: Final = (
    (re.compile(r"ISO_?-?8859[-_/](\d+)"), r"ISO-8859-\1"),
    (re.compile(r"(?:WINDOWS|CP|WIN)[-_]?(125\d)"), r"WINDOWS-\1"),
    (re.compile(r"(UNICODE)?UTF_?8"), "UTF-8"),
    (re.compile(r"(?:US-)?ASCII"), "ASCII"),
)
_MULTIPLE = ("ISOIR87", "ISOIR159", "ISOIR14")
_BREAKS = (".br", ".sp", ".ce", ".fi")


class Hl7Error(ValueError):
    """A message that cannot be used. The sentence is for its sender, and repeats nothing of a patient.

    Args:
        reject: nothing is wrong with its content, but it is not for us, or not now (AR); else AE.
    """

    def __init__(self, sentence: str, *, reject: bool = False) -> None:
        super().__init__(sentence)
        self.reject = reject


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One segment; fields are counted as the standard counts them, MSH-2 the encoding characters."""

    name: str
    fields: Sequence[str] = field(repr=False)
    marks: str = "^~\\&"
    codec: str = "utf-8"

    def raw(self, number: int) -> str:
        """Return a field as it is written; "" where it is absent or deleted (`""`)."""
        found = self.fields[number] if number < len(self.fields) else ""
        return "" if found == '""' else found

    def repetitions(self, number: int) -> list[str]:
        """Return the repetitions of a field, as they are written."""
        return [one for one in self.raw(number).split(self.marks[1]) if one]

    def text(self, number: int) -> str:
        """Return all of a field as text: repetitions are lines."""
        return "\n".join(self.unescaped(one) for one in self.repetitions(number))

    def part(self, number: int, component: int = 1, *, of: str | None = None) -> str:
        """Return a component, counted from 1, of a field's first repetition, or of the repetition `of`."""
        repetition = next(iter(self.repetitions(number)), "") if of is None else of
        parts = repetition.split(self.marks[0])
        return self.unescaped(parts[component - 1]).strip() if component <= len(parts) else ""

    def unescaped(self, text: str) -> str:
        r"""Return the text with the characters that its escape sequences stand for.

        >>> Segment(name="OBX", fields=()).unescaped(r"a\.br\b \T\ c\X0D\\H\d\N\ \E\\")
        'a\nb & c\rd \\\\'
        """
        escape = self.marks[2:3]
        if not escape or escape not in text:
            return text
        return _ESCAPED.sub(lambda found: self._meant(found[1]), text.replace(escape, "\\"))

    def _meant(self, sequence: str) -> str:
        single = {"F": "|", "S": self.marks[0], "T": self.marks[3:4], "R": self.marks[1], "E": "\\"}
        if sequence in single:
            return single[sequence]
        if sequence.startswith(_BREAKS):
            return "\n"
        if re.fullmatch(r"X([0-9A-Fa-f]{2})+", sequence):
            return bytes.fromhex(sequence[1:]).decode(self.codec, "replace")
        return ""  # highlighting, indentation, a site's own


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message: its segments in order, the first of them MSH."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def kind(self) -> tuple[str, str]:
        """The message code and its trigger event, MSH-9: ("ORU", "R01")."""
        return self.header.part(9, 1), self.header.part(9, 2)


def parsed(content: bytes, *, charset: str = "") -> Message:
    """Return the message in `content`; `charset` as in MSH-18, for one that names none. Raises Hl7Error."""
    header = content.split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1")
    if not header.startswith("MSH") or len(header) < 8:
        raise Hl7Error("The message does not begin with a segment MSH.")
    separator, marks = header[3], header[4:].split(header[3], 1)[0]
    if separator.isalnum() or not 3 <= len(marks) <= 5 or len(set(separator + marks)) < 1 + len(marks):
        raise Hl7Error("MSH-1 and MSH-2 are not a separator and four different encoding characters, as in |^~\\&.")
    fields = header.split(separator)
    codec = codec_of(((fields[17] if len(fields) > 17 else "") or charset).split(marks[1]))
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise Hl7Error(
            f"Byte {error.start} of the message is not in its character set. Name the set in MSH-18, such as 8859/1."
        ) from error
    lines = [line.strip("\n") for line in (text.split("\r") if "\r" in text else text.split("\n"))]
    found = []
    for number, line in enumerate((line for line in lines if line), start=1):
        name = line[:3]
        if not _NAME.fullmatch(name) or line[3:4] not in ("", separator):
            raise Hl7Error(f"Segment {number} has no name. Lines inside a text are written as \\.br\\.")
        parts = line.split(separator)
        if name == "MSH":
            if number > 1:
                raise Hl7Error("There is a second MSH: send each message in a frame of its own.")
            parts.insert(1, separator)
        found.append(Segment(name=name, fields=parts, marks=marks.ljust(4, "\0"), codec=codec))
    return Message(segments=tuple(found))


def codec_of(named: Sequence[str]) -> str:
    """Python's codec for the character sets of MSH-18. Raises Hl7Error for one that is not known.

    >>> codec_of(["8859/1"]), codec_of(["", "ISO IR87"]), codec_of(["UNICODE UTF-8"])
    ('iso8859-1', 'iso2022_jp_3', 'utf-8')
    """
    sets = [_spelled(name[:60]) for name in dict.fromkeys(named)] or [""]
    for name in sets:
        if name not in CHARSETS:
            raise Hl7Error(f'MSH-18 names the character set "{name[:40]}", which is not read here. Send UNICODE UTF-8.')
    switched = [name for name in sets if name in _MULTIPLE]
    return CHARSETS[switched[0] if switched else sets[0]]


def _spelled(name: str) -> str:
    """Return the name of a character set as `CHARSETS` has it.

    >>> _spelled("iso8859-1"), _spelled("CP1252"), _spelled("ISO IR 87")
    ('ISO-8859-1', 'WINDOWS-1252', 'ISOIR87')
    """
    plain = name.strip().upper().replace(" ", "")
    for spelling, known in _SPELLINGS:
        if spelling.fullmatch(plain):
            return spelling.sub(known, plain)
    return plain


def time_us(written: str) -> int | None:
    """Return the microseconds since 1970 of a time stamp (TS), UTC where it names no zone; None where it is none.

    >>> time_us("20260102030405+0100"), time_us("2026"), time_us("yesterday")
    (1767319445000000, 1767225600000000, None)
    """
    found = _TIME.fullmatch(written.strip())
    if found is None:
        return None
    numbers = [int(one) if one else least for one, least in zip(found.groups()[:6], (1, 1, 1, 0, 0, 0), strict=True)]
    zone = found[7]
    try:
        moment = datetime(*numbers, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]  # six numbers
    except ValueError:
        return None
    offset_s = 0 if zone is None else int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[3:]) * 60)
    return int((moment - offset_s) * 1_000_000)
