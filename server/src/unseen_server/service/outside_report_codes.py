"""A site's table that turns a report into an outcome: its codes, and phrases of its text.

```toml
order = ["abnormal", "unsure", "normal"]   # which outcome counts where rules of several match; this one by default

[codes]                                    # exactly as the report has them
abnormal = ["ABN", "R91.8"]
normal = ["NORM"]

[phrases]                                  # upper and lower case are the same, and so is every kind of space
abnormal = ["pneumothorax", "consolidation"]
unsure = ["cannot be excluded"]
normal = ["no acute findings", "no pneumothorax"]
ignore = ["no consolidation"]              # says nothing, and hides the shorter phrase in it
```

A phrase counts as whole words, and not inside a longer phrase of the table that matches there: where "no pneumothorax"
stands in the table, its "pneumothorax" is not abnormal. A phrase counts only where its sentence asserts it
(`assertion`): "no pneumothorax or effusion", "rule out consolidation" and "resolved pneumothorax" are not abnormal, and
"not a normal radiograph" is not normal. Where that is doubtful, and where the report asserts another finding
(`finding_words`), the report is not normal, either. A report that no rule matches has no outcome.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unseen.artifacts import RecipeError, UserError, reason_of, validated
from unseen_server.service.assertion import AssertedText, folded
from unseen_server.service.finding_words import finding_words
from unseen_server.worklist.report_entry import OUTCOMES, Outcome

PAGE: Final = "docs/how-to/reports.md"
ORDER: Final[tuple[Outcome, ...]] = ("abnormal", "unsure", "normal")
_CJK = 0x2E80
"""From here on scripts write no spaces between words."""
_LONGEST = 400
_Texts = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=_LONGEST)], ...], Field(strict=False)]


class ReportCodesError(UserError, ValueError):
    """A table that cannot be used; one line a mistake, each with the file and the key."""


class _Codes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    abnormal: _Texts = ()
    unsure: _Texts = ()
    normal: _Texts = ()


class _Phrases(_Codes):
    ignore: _Texts = ()


class _CodesTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    order: Annotated[tuple[Outcome, ...], Field(strict=False)] = ORDER
    codes: _Codes = _Codes()
    phrases: _Phrases = _Phrases()

    @model_validator(mode="after")
    def _says_one_thing(self) -> _CodesTable:
        if sorted(self.order) != sorted(OUTCOMES):
            raise ValueError(f"order has {', '.join(self.order) or 'nothing'}: name {', '.join(ORDER)}, each once")
        for name, table, form in (("codes", self.codes, str.strip), ("phrases", self.phrases, _plain)):
            known: dict[str, str] = {}
            for key, texts in table:
                for text in texts:
                    if not (plain := form(text)):
                        raise ValueError(f'{name}.{key} holds an empty entry: remove "{text}"')
                    if known.setdefault(plain, key) != key:
                        raise ValueError(
                            f'"{text}" stands in {name}.{known[plain]} and in {name}.{key}: leave it in one of them'
                        )
        if not any(texts for table in (self.codes, self.phrases) for key, texts in table if key != "ignore"):
            raise ValueError("no code and no phrase is given, so no report would have an outcome: add some")
        return self


@dataclass(frozen=True, kw_only=True)
class Match:
    """The outcome of a report by the table; `rule` is the entry that decided, None with it where no entry matches."""

    outcome: Outcome | None
    rule: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportCodes:
    """The table, ready for use; `load_report_codes` reads it.

    Args:
        order: the outcomes, those first that count where a report has several.
        codes: code to outcome.
        phrases: phrase, folded, to outcome; None: it has none.
    """

    order: tuple[Outcome, ...]
    codes: dict[str, Outcome]
    phrases: dict[str, Outcome | None]

    def read(self, *, codes: Collection[str] = (), text: str = "") -> Match:
        """Return the outcome of a report with these codes and this text.

        >>> table = parsed('[phrases]\\nabnormal = ["pneumothorax"]\\nnormal = ["no pneumothorax"]')
        >>> table.read(text="No  pneumothorax.").outcome, table.read(text="Pneumothoraxes").outcome
        ('normal', None)
        >>> table.read(text="No pneumothorax on the left. Pneumothorax on the right.")
        Match(outcome='abnormal', rule='phrase "pneumothorax"')
        """
        found: dict[Outcome, str] = {}
        for code in codes:
            if (outcome := self.codes.get(code.strip())) is not None:
                found.setdefault(outcome, f'code "{code.strip()}"')
        for phrase, outcome in self._asserted_in(text).items():
            found.setdefault(outcome, f'phrase "{phrase}"')
        first = next((outcome for outcome in self.order if outcome in found), None)
        return Match(outcome=None) if first is None else Match(outcome=first, rule=found[first])

    def _asserted_in(self, text: str) -> dict[str, Outcome]:
        """Return the phrases that the text asserts, outside of longer ones, each with its outcome."""
        lines = folded(text)
        plain = lines.replace("\n", " ").replace("\f", " ")
        places = self._places_in(plain)
        if not places:
            return {}
        asserted = AssertedText(lines)
        found: dict[str, Outcome] = {}
        is_normal = True
        hidden: list[tuple[int, int]] = []
        for start, end, phrase in places:
            outcome = self.phrases[phrase]
            if outcome in (None, "normal"):
                hidden.append((start, end))
            if outcome is None:
                continue
            if outcome == "abnormal":
                how = asserted.of(start, end)
                is_normal = is_normal and how in ("negated", "mentioned")
                if how == "asserted":
                    found.setdefault(phrase, outcome)
            elif not asserted.governed(start, end):
                found.setdefault(phrase, outcome)
            elif outcome == "normal":
                is_normal = False
        if "normal" in found.values() and not (is_normal and self._is_without_finding(plain, asserted, hidden)):
            found = {phrase: outcome for phrase, outcome in found.items() if outcome != "normal"}
        return found

    def _is_without_finding(self, plain: str, asserted: AssertedText, hidden: Sequence[tuple[int, int]]) -> bool:
        """Return True if the text asserts no common word of a finding outside of the table's own phrases."""
        ends = iter([*hidden, (len(plain) + 1, len(plain) + 1)])
        begin, reach = next(ends)
        for start, end in finding_words(plain):
            while reach <= start:
                begin, reach = next(ends)
            if not begin <= start < reach and asserted.of(start, end) in ("asserted", "doubtful"):
                return False
        return True

    def _places_in(self, plain: str) -> list[tuple[int, int, str]]:
        """Return the phrases that the text has outside of longer ones, with begin and end."""
        places = sorted(
            ((start, start + len(phrase), phrase) for phrase in self.phrases for start in _places(phrase, plain)),
            key=lambda place: (place[0], -place[1]),
        )
        found, reach = [], 0
        for start, end, phrase in places:  # by their begin, the longest first: one that ends within is part of another
            if end > reach:
                found.append((start, end, phrase))
                reach = end
        return found


def load_report_codes(path: Path) -> ReportCodes:
    """Read a site's table.

    Args:
        path: the TOML file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "codes.toml"
    ...     _ = file.write_text('[codes]\\nnormal = ["N"]')
    ...     load_report_codes(file).read(codes=["N"]).outcome
    'normal'

    Raises ReportCodesError: it is not there, not TOML, a key is unknown, or an entry stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportCodesError(
            f"{path}: cannot be read ({reason_of(error)}). Write it as {PAGE} shows, in UTF-8."
        ) from error
    return parsed(text, name=str(path))


def parsed(text: str, *, name: str = "the table") -> ReportCodes:
    """Return the table that is written in `text`; `name` stands in errors. Raises ReportCodesError."""
    try:
        raw: dict[str, object] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReportCodesError(f"{name}: not TOML: {error}. Strings need quotes; see {PAGE}.") from error
    try:
        table = validated(raw, _CodesTable)
    except RecipeError as error:
        lines = [f"{name}: {line}" for line in str(error).splitlines()]
        raise ReportCodesError("\n".join([*lines, f"Correct the file; {PAGE} explains each key."])) from error
    codes, phrases = dict(table.codes), dict(table.phrases)
    return ReportCodes(
        order=table.order,
        codes={code.strip(): outcome for outcome in OUTCOMES for code in codes[outcome]},
        phrases={_plain(phrase): outcome for outcome in OUTCOMES for phrase in phrases[outcome]}
        | {_plain(phrase): None for phrase in phrases["ignore"]},
    )


def _plain(text: str) -> str:
    """Return the text as phrases are compared: one form of each letter, no case, single spaces.

    >>> _plain(" No\\u00a0ACUTE\\n findings ")
    'no acute findings'
    """
    return folded(text).replace("\n", " ").replace("\f", " ")


def _places(phrase: str, text: str) -> Iterator[int]:
    """Yield the positions of `phrase` in `text` as whole words."""
    start = text.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        if not _one_word(text[start - 1 : start], phrase[0]) and not _one_word(phrase[-1], text[end : end + 1]):
            yield start
        start = text.find(phrase, start + 1)


def _one_word(before: str, after: str) -> bool:
    """Return True if two neighbouring characters belong to one word."""
    return all(letter.isalnum() and ord(letter) < _CJK for letter in (before or " ", after or " "))
