"""Assertion of a phrase in a sentence of a report: asserted, negated, only mentioned, or doubtful.

Rules for plain sentences, after NegEx (Chapman 2001) and ConText (Harkema 2009), but with a fourth answer: where a rule
does not decide, the phrase is doubtful, and the caller may take it neither for a finding nor for its absence. Cues are
those of English, with the common ones of German, French, Spanish, Italian, Dutch, Portuguese and Japanese.

A sentence is read once into one letter for each word (`_CUES`); each phrase is then decided within `_REACH` words
around it, so the work grows as the text does.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Assertion = Literal["asserted", "negated", "mentioned", "doubtful"]
"""mentioned: as a question, as history, or as the reason for the examination."""

_REACH: Final = 64
"""Words on each side of a phrase that are looked at; the longest sentences of reports have about as many."""
_CJK: Final = 0x2E80
_SEEN = (
    "seen|identified|visible|visuali[sz]ed|present|evident|demonstrated|detected|noted|appreciated|found|observed|"
    "shown|apparent|recogni[sz]ed|there"
)
_SAME = "changed|improved|resolved|cleared|decreased|increased|enlarged|smaller|larger|worse|better|grown|regressed"
_HOW = (
    r"(?:(?:acute|clearly|definitely|definitively|well|any|longer|yet|fully|completely|significantly|now|since|been) )*"
)
_KIND = (
    r"(?:(?:significant|interval|appreciable|substantial|definite|obvious|relevant|major|further|real|evidence of) )*"
)
_CUES: Final[tuple[tuple[str, str], ...]] = (
    # letter, pattern: the first that matches at a place is taken
    ("P", rf"(?:no|without) {_KIND}(?:change|changes|improvement|resolution|decrease|reduction|regression|clearing)"),
    ("P", r"(?:no|without|without a|without any|ohne|kein) (?:doubt|zweifel)"),
    ("P", rf"not {_HOW}(?:{_SAME})|not only|kein\w* {_KIND}(?:änderung|veränderung|besserung|rückbildung)"),
    ("Q", rf"(?:no|without) {_KIND}(?:increase|worsening|progress\w*|enlargement|growth|development|recurrence)"),
    ("Q", r"(?:not|cannot|can not|can't|never|nicht|non|no se puede) (?:be |been |yet |sicher )?(?:exclu\w*|"
     r"rule[ds]? out|ruling out|descartar|ausgeschlossen|auszuschließen|auszuschliessen)"),
    ("Q", r"(?:should|must|to) be (?:excluded|ruled out)"),
    ("S", rf"(?:not|nicht|niet|no longer|never) {_HOW}(?:{_SEEN}|nachweisbar|erkennbar|sichtbar|abgrenzbar|"
     rf"gesehen|vorhanden)"),
    ("S", r"(?:has|have|had|is|are|was|were) (?:now |since |also |completely |fully |been )*"
     r"(?:resolved|cleared|excluded|ruled out|absent|negative|disappeared)"),
    ("S", r"absent|ausgeschlossen|nil"),
    ("Q", r"almost|nearly|near|partly|partially|incompletely|barely|hardly|scarcely|treated"),
    ("H", r"history of|h/o|hx of|status post|s/p|rule out|rule-out|r/o|to exclude|evaluate for|evaluation for|"
     r"assess for|assessment for|query|zustand nach|z\.n\.|ausschluss|frage nach|to rule out|"
     r"follow-up of|evaluation of"),
    ("R", r"resolved|resolution of|interval resolution of|clearing of"),
    ("N", r"(?:does|do|did|doesn't|don't|didn't) not (?:have|show|demonstrate|reveal|contain)|negative for|free of|"
     r"free from|clear of|absence of|lack of|w/o|denies|denied|devoid of|rather than|frei von|instead of"),
    ("N", r"no|without|neither|none|nothing|never|nor|kein\w{0,2}|ohne|weder|pas|sans|aucune?|ni|sin|ning[uú]na?|"
     r"nessuna?|senza|geen|zonder|sem|nenhuma?|isn't|aren't|wasn't|weren't|hasn't|doesn't|don't"),
    ("M", r"not|nicht|niet|não|cannot|can't"),
    ("q", r"suspicious|suspicion|concern\w*|may|might|could|probable|probably|likely|verdacht"),
    ("Q", r"possible|possibly|suspect\w*|exclu\w*|question\w*|equivocal|unlikely|uncertain|unclear|if|whether|previous|"
     r"previously|prior|former|formerly|old|versus|vs|non|fraglich\w*|möglich\w*|eventuell|partial\w*"),
    ("T", r"but|however|except\w*|although|though|apart from|aside from|other than|besides|nevertheless|whereas|"
     r"aber|jedoch|allerdings|außer|bis auf|mais|sauf|pero|excepto|salvo|ma"),
    ("X", r"other|additional|further|new|second|larger|increasing|progressive|enlarging|with|plus|mit|avec|con|"
     r"weiter\w*|neue\w{0,2}|small|tiny|mild|moderate|trace|stable|unchanged|persistent|subtle|minimal"),
    ("A", r"and|&|und|et|y|sowie|en|e"),
    ("O", r"or|/|oder|ou|o|noch|od|and/or"),
    ("V", r"is|are|was|were|has|have|had|shows?|demonstrates?|reveals?|remains?|persists?|appears?|there|measures?|"
     r"represents?|ist|sind|zeigt|zeigen|besteht|bestehen|est|es|hay"),
    ("C", r",| [-–—] "),
    ("B", r"[()\[\]]"),
    (":", r":|="),
    ("~", r"\n"),
    ("w", r"[^\W_]+(?:[-'’.][^\W_]+)*"),
)  # fmt: skip


def _pattern(letter: str, pattern: str) -> str:
    """Return the pattern of a cue, which is one or several whole words; a question mark counts as a doubt."""
    if letter in "BC:~w":
        return pattern
    word = rf"(?<![^\W_])(?:{pattern})(?![^\W_])"
    return rf"(?:{word}|\?)" if letter == "Q" else word


_TOKEN: Final = re.compile("|".join(f"({_pattern(*cue)})" for cue in _CUES))
_SIMPLE_NO: Final = frozenset(("no", "none", "negative", "nein", "keine", "nil"))
_END: Final = re.compile(r"[!;。；．\f]|\?+|\.(?!\d)(?<!\b\w\.)(?<!\bapprox\.)(?<!\bdr\.)(?<!\bvs\.)(?<!\bresp\.)")
_HEADING: Final = re.compile(
    r"\s*(?:\d+[.)] *)?(?:clinical |relevant )*(?:indications?|history|information|questions?|"
    r"reason(?: for [a-z ]{1,30})?|"
    r"comparison|technique|examination|exam|procedure|klinische angaben|fragestellung|indikation|anamnese)\s*:"
)
_JAPANESE_NO: Final = re.compile(r"(?:なし|無し|ない|なく|ません|認めず|否定|消失)")
_JAPANESE_YES: Final = re.compile(r"(?:認める|認められる|認めた|あり|みられる|見られる|疑う|疑い)(?!ない)")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence: where it starts and ends, and its words by letter and place."""

    start: int
    end: int
    letters: str
    starts: Sequence[int]
    words: Sequence[str]
    heading: bool
    question: bool


def folded(text: str) -> str:
    """Return the text as phrases are compared: one form of each letter, no case, single spaces.

    A line feed is left before a line that may begin a sentence, a form feed between paragraphs; phrases take both for
    spaces.

    >>> folded(" No\u00a0ACUTE\\n findings\\nEffusion\\n\\nEnd ")
    'no acute findings\\neffusion\\x0cend'
    """
    found: list[str] = []
    gap = ""
    for line in unicodedata.normalize("NFKC", text).replace("’", "'").splitlines():
        plain = " ".join(line.split())
        if not plain:
            gap = "\f" if found else ""
            continue
        if found:
            found.append(gap or (" " if plain[0].islower() else "\n"))
        found.append(plain.casefold())
        gap = ""
    return "".join(found)


class AssertedText:
    """A report's text whose phrases can be decided.

    Args:
        text: folded text, see `folded`.

    >>> text = AssertedText("no pneumothorax or effusion. consolidation on the left.")
    >>> [text.of(text.text.find(word), text.text.find(word) + len(word)) for word in ("effusion", "consolidation")]
    ['negated', 'asserted']
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._sentences: list[_Sentence] = []
        start = 0
        for found in _END.finditer(text):
            self._add(start, found.end())
            start = found.end()
        self._add(start, len(text))
        self._at = 0

    def _add(self, start: int, end: int) -> None:
        if start >= end:
            return
        letters, starts, words = [], [], []
        for found in _TOKEN.finditer(self.text, start, end):
            letters.append(_CUES[(found.lastindex or 1) - 1][0])
            starts.append(found.start())
            words.append(found[0])
        body = self.text[start : min(end, start + 80)]
        self._sentences.append(
            _Sentence(
                start,
                end,
                "".join(letters),
                starts,
                words,
                heading=_HEADING.match(body) is not None,
                question=self.text[start:end].endswith("?"),
            )
        )

    def of(self, start: int, end: int) -> Assertion:
        """Return how the phrase from `start` to `end` is asserted. Ask in the order of the text."""
        sentence = self._sentence(start)
        if end > sentence.end:
            return "doubtful"
        if sentence.heading:
            return "mentioned"
        if ord(self.text[end - 1]) >= _CJK:
            return _japanese(self.text[end : sentence.end])
        if sentence.question:
            return "doubtful"
        return _decided(sentence, *_span(sentence, start, end))

    def governed(self, start: int, end: int) -> bool:
        """Return True if a negation or a doubt governs the phrase, or an exception follows it: then a phrase for normal
        is none.
        """
        sentence = self._sentence(start)
        if end > sentence.end or sentence.heading or sentence.question:
            return True
        first, last = _span(sentence, start, end)
        before = sentence.letters[max(0, first - _REACH) : first]
        before = before[max((before.rfind(one) for one in "C:AT~"), default=-1) + 1 :]
        own = sentence.letters[first:last]
        cues = "QqHRP" if own[:1] in ("N", "M", "P", "Q", "S") else "QqHRPNMS"
        after = sentence.letters[last : last + _REACH]
        return any(one in before for one in cues) or "T" in after or after[:1] in ("S", "Q", "M")

    def _sentence(self, place: int) -> _Sentence:
        if self._at >= len(self._sentences) or place < self._sentences[self._at].start:
            self._at = 0
        while self._sentences[self._at].end <= place:
            self._at += 1
        return self._sentences[self._at]


def _span(sentence: _Sentence, start: int, end: int) -> tuple[int, int]:
    """Return the words from and to which a phrase reaches."""
    first = bisect_left(sentence.starts, start)
    if first and sentence.starts[first - 1] + len(sentence.words[first - 1]) > start:
        first -= 1  # it begins inside of a cue
    return first, bisect_left(sentence.starts, end)


def _decided(sentence: _Sentence, first: int, last: int) -> Assertion:
    letters = sentence.letters
    before, after = letters[max(0, first - _REACH) : first], letters[last : last + _REACH]
    following = sentence.words[last : last + _REACH]
    behind = _from_behind(after, following)
    ahead = _from_ahead(before, after, repeated=_is_repeated(sentence, first, last))
    if ahead in ("negated", "mentioned"):
        return ahead
    return behind if behind != "asserted" else ahead


def _is_repeated(sentence: _Sentence, first: int, last: int) -> bool:
    """Return True if the phrase is in the sentence before: then its second mention is another clause."""
    phrase, reach = list(sentence.words[first:last]), list(sentence.words[max(0, first - _REACH) : first])
    return any(reach[place : place + len(phrase)] == phrase for place in range(len(reach)))


def _from_ahead(before: str, after: str, *, repeated: bool) -> Assertion:
    """Return the assertion by the nearest cue before the phrase."""
    place = max(before.rfind(one) for one in "NMRHQqPTS")
    if place < 0:
        return "asserted"
    cue, between = before[place], before[place + 1 :]
    if cue == "q" and place and before[place - 1] in "NX":  # "no suspicious nodule"
        cue = "N" if "N" in before[max(0, place - 2) : place] else cue
    if cue in "TP":
        return "asserted"
    if cue == "S":  # "absent effusion"
        return "doubtful" if between[:1] == ":" or not between.strip("w") else "asserted"
    if cue == "N" and between[:1] in ("C", ":"):  # it ends an answer: "effusion: none, pneumothorax"
        return "doubtful" if between[:1] == ":" else "asserted"
    breaks = [at for at, one in enumerate(between) if one in "CA"]
    tail = between[breaks[-1] + 1 :] if breaks else between
    if place and before[place - 1] == "Q" and cue in "NR":  # "partly resolved"
        return "doubtful"
    if cue == "M" and re.match("w*T", after):  # "not one nodule but several"
        return "doubtful"
    effect: Assertion = "doubtful" if cue in "Qq" else "mentioned" if cue == "H" else "negated"
    if "~" in between or ":" in between:
        return "doubtful"
    if not breaks:
        return "doubtful" if set(between) & set("VXB") else effect
    if cue in "Qq":
        return "asserted" if "V" in tail else "doubtful"
    if between[breaks[-1]] == "A":
        return (
            "negated" if "O" in tail and "V" not in between else "asserted" if "V" in tail or repeated else "doubtful"
        )
    if set(between) & set("VXB"):
        return "asserted" if repeated else "doubtful"
    listed = "O" in tail or "O" in _run(after)
    return effect if listed else "asserted" if repeated else "doubtful"


def _run(after: str) -> str:
    """Return the rest of a list: up to a verb, another cue or a line."""
    found = re.match("[wCA]*O?", after)
    return found[0] if found else ""


def _from_behind(after: str, words: Sequence[str]) -> Assertion:
    """Return the assertion by what follows the phrase."""
    end = min((place for place in (after.find(one) for one in "TP") if place >= 0), default=len(after))
    reach = after[:end]
    if after[end : end + 1] == "P" and "C" not in reach and "A" not in reach:
        return "asserted"
    if reach[:1] in ("C", ":", "~") and words[1:2] and words[1] in _SIMPLE_NO and reach[2:3] in ("", "C"):
        return "doubtful" if reach[0] == "~" else "negated"
    place = reach.find("S")
    if place < 0 and (found := re.search(r"^[wVA O]*V?R(?=$|[C~])", reach)):  # "consolidation resolved"
        place = found.end() - 1
    if place < 0 and re.search(r"^[wVA O]*C[wV]*R(?=$|[C~])", reach):  # "pneumonia, now resolved"
        return "doubtful"
    clause = re.split("[CAOT:~]", reach, maxsplit=1)[0]
    if place >= 0:
        between = reach[:place]
        if "~" in between or "Q" in between or ":" in between:
            return "doubtful"
        breaks = [at for at, one in enumerate(between) if one in "CA"]
        if not breaks:
            return "negated"
        other = any(one in between[: breaks[-1]] for one in "VXS")
        own = any(one in between[breaks[-1] :] for one in "NXR")
        if other:
            return "asserted" if "Q" not in clause and "M" not in clause else "doubtful"
        return "doubtful" if between[breaks[-1]] == "C" and ("V" not in between[breaks[-1] :] or own) else "negated"
    return "doubtful" if "Q" in clause or "M" in clause else "asserted"


def _japanese(rest: str) -> Assertion:
    """Return the assertion by what follows a phrase of Japanese or Chinese to the end of the sentence."""
    no = _JAPANESE_NO.search(rest, 0, 400)
    if no is None:
        return "asserted"
    yes = _JAPANESE_YES.search(rest, 0, no.start())
    return "asserted" if yes else "negated" if "、" not in rest[: no.start()] else "doubtful"
