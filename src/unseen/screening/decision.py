"""`Decision`, and the views that decide about a study.

`Decision`: what becomes of a film or a study: cleared, read (and how early), or not scored (and why).

Which views decide about a study: a frontal film does, a lateral is carried along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["clear", "read", "not_scored"]

FIRST = 2.0
"""The priority of what was not scored: before everything that was."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of one film, or of one study.

    Attributes:
        action: clear (a policy guarantees the miss rate), read, or not_scored (a person looks at it first).
        score: the detector's, in its own unit; None where not scored.
        probability: of being abnormal, at the site's prevalence, 0 to 1; None where not scored, and where no labelled
            abnormals calibrated it.
        p_value: conformal, 0 to 1: the share of normal studies at least as unusual; None where not scored or not
            calibrated.
        priority: higher is read earlier: `FIRST` for what was not scored, otherwise within [0, 1].
        reason: a sentence.
        policy_digest: which policy decided; "" without one.
    """

    action: Action
    score: float | None
    probability: float | None
    p_value: float | None
    priority: float
    reason: str
    policy_digest: str


LATERAL = frozenset({"LATERAL", "LAT", "LL", "RL", "LLO", "RLO"})
"""ViewPosition (0018,5101) of a lateral film, as modalities write it; detectors here learn from frontal films alone."""


def is_lateral(view_position: str | None) -> bool:
    """A film that does not say is taken for frontal: its score then counts.

    >>> is_lateral("LL"), is_lateral("PA"), is_lateral(None)
    (True, False, False)
    """
    return view_position is not None and view_position.strip().upper() in LATERAL
