"""The words of a study's row and of a film's panel: one flag, one sentence, one number, made together: they agree.

A film that was not cleared is never called normal: a score ranks films for reading and is no diagnosis.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from unseen_server.web.promise import Promise, percent, without_promise

if TYPE_CHECKING:
    from unseen.screening import Decision
    from unseen_server.worklist.identity_claims import IdentityClaim
    from unseen_server.worklist.labels import Reference
    from unseen_server.worklist.listing import Entry

Measure = Literal["probability", "percentile"]
EARLIER: Final = 0.95
"""The percentile from which a study is to be read earlier."""
LIKELY: Final = 0.5
"""The probability from which it is: abnormal rather than not."""
_SOMEWHAT: Final = 0.75
_LIMITS: Final[dict[Measure, float]] = {"probability": LIKELY, "percentile": EARLIER}
_MEANS: Final = "The score orders films for reading. It is not a diagnosis."
_IN_ORDER: Final = "To be read in this order"
_FEWEST_OF_A_CONFLICT: Final = 2
_WAITS: Final = ("to_read", "in_reading")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The words of a study's row.

    words    the sentence, without a full stop
    flag     it is to be read earlier
    number   of `measure`, 0 to 1; None where nothing is known, or nothing may be shown
    """

    words: str
    flag: bool = False
    number: float | None = None
    measure: Measure | None = None


def reading_of(entry: Entry, *, rank: float | None, probability: float | None, blind: bool, early: bool) -> Reading:
    """The row's flag, sentence and number.

    rank         the share of the reference that scores lower; None where the reference is too small
    probability  as far as it may be shown
    blind        the reader sees order and flag alone
    early        on a blind page: by its place in the list, and by nothing else
    """
    if entry.state in ("reported", "reported_elsewhere", "set_aside"):
        return Reading(words=_done(entry))
    if entry.claims:
        return Reading(words=conflict_in_words(entry.claims))
    if entry.reason:
        return Reading(words="Not scored: look at it first")
    if entry.versions:
        return Reading(words="Two versions of one film came: look at both")
    number, measure = _number(rank, probability, blind=blind)
    if entry.state == "received":
        return Reading(words="Waits for a worker to score it")
    if entry.state == "scored":
        return Reading(words="Not complete yet: further films may come, or are still to be scored")
    if entry.state not in _WAITS:
        high = measure is not None and number is not None and number >= _LIMITS[measure]
        shown = (None, None) if high else (number, measure)  # cleared: no number beside it speaks against that
        return Reading(words="Cleared by the policy; anybody may read it", number=shown[0], measure=shown[1])
    if blind or number is None or measure is None:
        early = early and blind
        return Reading(words="Differs from normal films: read earlier" if early else _IN_ORDER, flag=early)
    flag = number >= _LIMITS[measure]
    return Reading(words=_waiting(number, measure), flag=flag, number=number, measure=measure)


def conflict_in_words(claims: Sequence[IdentityClaim]) -> str:
    """Return the sentence that names the films which disagree about the patient; "" where none do.

    >>> from unseen_server.worklist.identity_claims import IdentityClaim
    >>> here, there = IdentityClaim(study="s-1", films=("f-1",)), IdentityClaim(study="s-2", films=("f-2", "f-3"))
    >>> conflict_in_words([here, there])
    'Conflicting patient numbers: film f-1 of this study, films f-2 and f-3 of study s-2'
    """
    if not claims:
        return ""
    own, *others = claims
    named = [f"{_films_in_words(own.films)} of this study"]
    named += [f"{_films_in_words(one.films)} of study {one.study}" for one in others]
    if not others and len(own.films) < _FEWEST_OF_A_CONFLICT:
        named.append("a film that was erased")
    return f"Conflicting patient numbers: {', '.join(named)}"


def _films_in_words(films: Sequence[str]) -> str:
    if not films:
        return "no film"
    return f"film {films[0]}" if len(films) == 1 else f"films {', '.join(films[:-1])} and {films[-1]}"


def _number(rank: float | None, probability: float | None, *, blind: bool) -> tuple[float, Measure] | tuple[None, None]:
    if blind:
        return None, None
    if probability is not None:
        return probability, "probability"
    return (None, None) if rank is None else (rank, "percentile")


def _waiting(number: float, measure: Measure) -> str:
    if measure == "probability":
        return "More likely abnormal than not: read earlier" if number >= LIKELY else _IN_ORDER
    if number >= EARLIER:
        return "Differs from normal films: read earlier"
    return "Differs somewhat from normal films" if number >= _SOMEWHAT else "Does not stand out from normal films"


def _done(entry: Entry) -> str:
    by = f" by {entry.reported_by}" if entry.reported_by else ""
    if entry.state == "set_aside":
        return f"{'Discarded' if entry.how == 'discarded' else 'Recorded as returned'}{by}: it cannot be shown"
    return f"Reported {entry.outcome or 'elsewhere'}{by}"


def in_words(
    decision: Decision | None, reading: Reading, reference: Reference | None, *, promise: Promise, sampled: bool = False
) -> list[str]:
    """Sentences for the panel beside a film; the first is the row's.

    decision   on the study; None before there was one
    reference  with which its score is compared; None where no model scored it
    promise    what holds now: without one, nothing of it is shown
    sampled    it was cleared, and is read all the same

    >>> from unseen.screening import Decision
    >>> no_policy = Decision(action="read", score=3.1, probability=None, p_value=None, priority=0.9,
    ...                      reason="no policy: films are ranked by their score", policy_digest="")
    >>> nothing = Promise(state="ranks", policy=None, why="No policy is in force.")
    >>> in_words(no_policy, Reading(words="Differs from normal films: read earlier", flag=True), None, promise=nothing)
    ['Differs from normal films: read earlier.', 'The score orders films for reading. It is not a diagnosis.', \
'No policy: films are ranked by their score.']
    """
    if decision is None:
        return ["No worker has looked at it yet."]
    if decision.action == "not_scored":
        return ["It was not scored, so a person looks at it first.", sentence(decision.reason)]
    covered = promise.covers(decision.policy_digest)
    said = [sentence(reading.words)]
    if decision.action == "clear":
        if not covered:
            said = ["It was cleared by a policy that clears nothing at present. Anybody may read it."]
        said.append(sentence(without_promise(decision.reason)))
        return [*said, "It was drawn for the audit sample, so it is read all the same."] if sampled else said
    said += [_MEANS, sentence(decision.reason)]
    if reading.measure == "probability" and reading.number is not None:
        said.append(_probability(reading.number, promise.prevalence))
    if reference is not None and not reference.scores:
        said.append(sentence(reference.words))
    elif covered and reference is not None and decision.score is not None:
        said.append(_at_least(decision.score, reference))
    if decision.policy_digest and promise.state == "stopped":
        said.append(promise.why)
    return said


def _probability(number: float, prevalence: float | None) -> str:
    said = f"Probability of being abnormal: {percent(number)}"
    if prevalence is None:
        return f"{said}."
    return (
        f"{said}, if {percent(prevalence)} of the studies are abnormal, as the calibration assumes. "
        "With fewer abnormal studies it is lower."
    )


def _at_least(score: float, reference: Reference) -> str:
    """How many of the reference score as high: counted where the percentile is, so that the two agree."""
    count = len(reference.scores) - bisect_left(reference.scores, score)
    return f"{count or 'None'} of {reference.words} {'have' if count > 1 else 'has'} a score as high or higher."


def sentence(text: str) -> str:
    """`text` with a capital and a full stop.

    >>> sentence("no policy")
    'No policy.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in (".", "!", "?", "") else ".")
