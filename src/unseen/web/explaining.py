"""What a decision means, in plain words: which place it gives a study, and what is promised.

A film that was not cleared is never called normal: a score says when to read it, not what it shows.
"""

from __future__ import annotations

from unseen.screening.decision import Decision
from unseen.web.ranking import EARLIER

_SOMEWHAT = 0.75  # a rank, below that from which a study is to be read earlier
_MEANS = "A score says when to read a film, not what it shows."


def in_words(decision: Decision | None, *, rank: float | None, sampled: bool = False) -> list[str]:
    """Sentences for the reader.

    decision  on the study; None before there was one
    rank      the share of the reference set that scores lower, 0 to 1; None where there is no reference
    sampled   it was cleared, and is read all the same

    >>> no_policy = Decision(action="read", score=3.1, probability=None, p_value=None, priority=0.9,
    ...                      reason="no policy: films are ranked by their score", policy_digest="")
    >>> in_words(no_policy, rank=0.99)[0]
    'It differs from the reference set: read it earlier.'
    >>> in_words(None, rank=None)
    ['No worker has looked at it yet.']
    """
    if decision is None:
        return ["No worker has looked at it yet."]
    if decision.action == "not_scored":
        return ["It was not scored, so a person looks at it first.", sentence(decision.reason)]
    if decision.action == "clear":
        told = ["The policy clears it; it stays in its own tab, and anybody may read it.", sentence(decision.reason)]
        return [*told, "It was drawn for the audit sample, so it is read all the same."] if sampled else told
    told = [_place(rank), _MEANS, sentence(decision.reason)]
    if decision.probability is not None:
        told.append(
            f"Probability of being abnormal, at this site's share of abnormal films: {decision.probability:.0%}."
        )
    if decision.p_value is not None:
        told.append(f"Of the calibration's normal studies, {decision.p_value:.0%} are at least as unusual.")
    return told


def sentence(text: str) -> str:
    """`text` with a capital and a full stop.

    >>> sentence("no policy")
    'No policy.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in (".", "!", "?", "") else ".")


def _place(rank: float | None) -> str:
    if rank is None:
        return "There is no reference set yet that it could be compared with."
    if rank >= EARLIER:
        return "It differs from the reference set: read it earlier."
    if rank >= _SOMEWHAT:
        return "It differs somewhat from the reference set."
    return "It lies within the reference set."
