"""The words of a study's row and of a film's panel: one flag, one sentence, one number, made together: they agree.

A film that was not cleared is never called normal: a score ranks films for reading and is no diagnosis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from unseen.artifacts import FLAGGED_FROM
from unseen_server.web.promise import Promise, percent, without_promise

if TYPE_CHECKING:
    from unseen.artifacts import ReferenceNormals
    from unseen.screening import Decision
    from unseen_server.worklist.listing import ListedStudy
    from unseen_server.worklist.patient_identities import IdentityClaim

Measure = Literal["percentile"]
_SOMEWHAT: Final = 0.75
_EARLIER: Final = "differs from normal films: read earlier"
_MEANS: Final = "The score orders films for reading. It is not a diagnosis."
_RANKED: Final = ": films are ranked by their score, and none is cleared"  # the end of a reason without a policy
_BEFORE: Final = "it was scored before the policy in force, so it is not cleared"
_IN_ORDER: Final = "To be read in this order"
_FEWEST_OF_A_CONFLICT: Final = 2
_WAITS: Final = ("to_read", "in_reading")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The words of a study's row.

    Args:
        words: the sentence, without a full stop.
        flag: it is to be read earlier.
        number: of `measure`, 0 to 1; None where nothing is known, or nothing may be shown.
    """

    words: str
    flag: bool = False
    number: float | None = None
    measure: Measure | None = None


def reading_of(entry: ListedStudy, *, rank: float | None, blind: bool, early: bool) -> Reading:
    """Return the row's flag, sentence and number; the flag follows from the number that stands next to it.

    Args:
        entry: the study.
        rank: the share of the reference that scores lower; None without a score or a reference.
        blind: the reader sees order and flag alone.
        early: on a blind page: by its place in the list, and by nothing else.

    Returns:
        The reading. Only a study that waits and was scored is flagged; a number is shown in every state.
    """
    number = None if blind else rank
    measure: Measure | None = None if number is None else "percentile"
    waits = entry.state in _WAITS and not entry.reason
    flag = waits and (early if blind else number is not None and number >= FLAGGED_FROM)
    return Reading(words=_words(entry, number, flag=flag), flag=flag, number=number, measure=measure)


def _words(entry: ListedStudy, number: float | None, *, flag: bool) -> str:
    if entry.state in ("reported", "reported_elsewhere", "set_aside"):
        return _done(entry)
    if entry.claims:
        return conflict_in_words(entry.claims) + (f"; {_EARLIER}" if flag else "")
    if entry.reason:
        return "Not scored: look at it first"
    if entry.versions:
        return "Two versions of one film came: look at both" + (f"; {_EARLIER}" if flag else "")
    if entry.state == "received":
        return "Waits for a worker to score it"
    if entry.state == "scored":
        return "Not complete yet: further films may come, or are still to be scored"
    if entry.state not in _WAITS:
        return "Cleared by the policy; anybody may read it"
    if flag:
        return _EARLIER[0].upper() + _EARLIER[1:]
    if number is None:
        return _IN_ORDER
    return "Differs somewhat from normal films" if number >= _SOMEWHAT else "Does not stand out from normal films"


def conflict_in_words(claims: Sequence[IdentityClaim]) -> str:
    """Return the sentence that names the films which disagree about the patient; "" where none do.

    >>> from unseen_server.worklist.patient_identities import IdentityClaim
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


def _done(entry: ListedStudy) -> str:
    by = f" by {entry.reported_by}" if entry.reported_by else ""
    if entry.state == "set_aside":
        return f"{'Discarded' if entry.how == 'discarded' else 'Recorded as returned'}{by}: it cannot be shown"
    return f"Reported {entry.outcome or 'elsewhere'}{by}"


def in_words(
    decision: Decision | None,
    reading: Reading,
    reference: ReferenceNormals | None,
    *,
    promise: Promise,
    sampled: bool = False,
) -> list[str]:
    """Return the sentences for the panel beside a film; the first is the row's.

    Args:
        decision: decision on the study; None before the first one.
        reading: words of the row of the study.
        reference: normal films with which its score is compared; None if no model scored it.
        promise: guarantee at this moment; without one, no sentence states it.
        sampled: whether the study was cleared and is read for the audit.

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
        return ["The model gave no score. Please read this study first.", sentence(decision.reason)]
    covered = promise.covers(decision.policy_digest)
    said = [sentence(reading.words)]
    if decision.action == "clear":
        if not covered:
            said = ["It was cleared by a policy that clears nothing at present. Anybody may read it."]
        said.append(sentence(without_promise(decision.reason)))
        return [*said, "It was drawn for the audit sample, so a person reads it, too."] if sampled else said
    said += [_MEANS, sentence(_reason_now(decision, promise))]
    probability = promise.probability(decision.policy_digest, decision.probability)
    if probability is not None and promise.prevalence is not None:
        said.append(_probability(probability, promise.prevalence))
    if reference is not None and decision.score is not None:
        said.append(sentence(reference.sentence(decision.score)))
    if decision.policy_digest and promise.state == "stopped":
        said.append(promise.why)
    return said


def _reason_now(decision: Decision, promise: Promise) -> str:
    """Return the reason of a decision to read; if it was made without a policy, it does not deny the one in force."""
    if decision.policy_digest or promise.state == "ranks" or not decision.reason.endswith(_RANKED):
        return decision.reason
    remark = decision.reason.removesuffix(_RANKED).removeprefix("no policy")
    return f"{remark}: {_BEFORE}" if remark else _BEFORE


def _probability(number: float, prevalence: float) -> str:
    return (
        f"Probability of being abnormal: {percent(number)}, if {percent(prevalence)} of the studies are abnormal, as "
        "was entered. With fewer abnormal studies it is lower."
    )


def sentence(text: str) -> str:
    """`text` with a capital and a full stop.

    >>> sentence("no policy")
    'No policy.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in (".", "!", "?", "") else ".")
