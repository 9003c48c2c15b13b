"""`Decision`: what was decided about one film or one study, as data."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["clear", "read", "not_scored"]
"""Action about a film or a study: clear it, have it read, or have it read first because it was not scored."""

FIRST_PRIORITY = 2.0
"""The priority of what was not scored: before everything that was."""


def squashed_score(score: float) -> float:
    """Map a score to the interval (0, 1) by a strictly increasing function.

    Args:
        score: the score, in any unit.

    Returns:
        ½ + ½ · score / (1 + |score|), so 0.5 for a score of 0.

    Example:
        >>> squashed_score(-3.0) < squashed_score(0.0) < squashed_score(2.0), squashed_score(0.0)
        (True, 0.5)
    """
    return 0.5 + 0.5 * score / (1 + abs(score))


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision about one film, or about one study.

    Attributes:
        action: clear (a policy guarantees the miss rate), read, or not_scored (a person looks at it first).
        score: the detector's, in its own unit; None where not scored.
        probability: of being abnormal, at the prevalence that the user entered, 0 to 1; None where not scored, where no
            prevalence was entered, where the film's source had no labelled studies of both classes in the calibration,
            and where the gate remarks that the film differs from the training films.
        p_value: conformal, 0 to 1: the share of normal studies at least as unusual; None where not scored or not
            calibrated.
        priority: higher is read earlier: `FIRST_PRIORITY` for what was not scored, otherwise within [0, 1].
        reason: a sentence.
        policy_digest: which policy decided; "" without one.

    >>> from unseen.data import phantoms
    >>> from unseen.screening import load
    >>> decision = load("models/pca")(next(iter(phantoms.normals(1, size=64))))
    >>> decision.action in ("read", "not_scored")
    True
    """

    action: Action
    score: float | None
    probability: float | None
    p_value: float | None
    priority: float
    reason: str
    policy_digest: str
