"""Conflicting identities: one Study Instance UID under two patient numbers or issuers.

The films of two patients never form one study. The first to come has the UID (`studies.uid`), each other one keeps a
study of its own. All of them have the UID in `studies.disputed_uid`, and none of them is cleared. `patient_identities`
compares the identities, and `identity_review` decides again after a merge of the numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from unseen.screening import Decision

CONFLICT: Final = (
    "conflicting identities: this Study Instance UID came under two patient numbers or issuers, so no part of the "
    "study is cleared. Merge the numbers, or correct the films"
)
"""Reason of every decision on a study whose identity is disputed."""


def in_conflict(decision: Decision) -> Decision:
    """Return the decision on a study whose identity is disputed: never cleared, with the conflict in its reason.

    Args:
        decision: the decision by the study's films.

    Returns:
        The decision; the clause of a refusal stays first.
    """
    if decision.action == "clear":
        return replace(decision, action="read", reason=CONFLICT)
    if decision.action == "read":
        return replace(decision, reason=f"{CONFLICT}. {decision.reason}")
    return replace(decision, reason=f"{decision.reason}; {CONFLICT}")
