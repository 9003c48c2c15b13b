"""Summary of the effects of a confirmation by a second person: what starts and what stops.

Clearing starts, or restarts, only with two people and a note of each. The second person confirms the summary's digest,
so nobody agrees to something that has changed since the page was shown.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from unseen.artifacts import number_of
from unseen.evaluation import Interval
from unseen.screening import cleared_share
from unseen_server.web.promise import percent
from unseen_server.worklist.states import NotAllowedError, WorklistError

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy
    from unseen_server.web.state import ServerState
    from unseen_server.worklist.activation import Activation
    from unseen_server.worklist.drift_alarms import StandingAlarm
    from unseen_server.worklist.reopening import RaisedAlarm

NO_GATE: Final = (
    "It has no input gate: every file that can be read is scored, even if it is unlike the training films, and may be "
    "cleared."
)
NO_EVALUATION: Final = "It has no evaluation: its performance on abnormal films was never measured."


class Summary(BaseModel):
    """Effects of a confirmation: what would start and stop now."""

    model_config = ConfigDict(from_attributes=True)

    starts: list[str]
    stops: list[str]
    lacks: list[str] = Field(description="missing parts of the model; if there are any, a reason is required")
    digest: str = Field(description="digest of the summary; the confirming request repeats it")


@dataclass(frozen=True, kw_only=True)
class ClearingChange:
    """Sentences on a change of clearing: what would start and stop."""

    starts: tuple[str, ...]
    stops: tuple[str, ...]
    lacks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of all sentences; it differs if anything differs."""
        text = json.dumps([self.starts, self.stops, self.lacks])
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self, seen: str, *, note: str, despite: str = "") -> None:
        """Check a confirmation of the summary with the digest `seen`.

        Raises:
            NotAllowedError: `seen` is the digest of another summary.
            WorklistError: the note, or the reason in spite of what the model lacks, is missing.
        """
        if not note.strip():
            raise WorklistError("Write a note: what you have checked, and why this may start.")
        if self.lacks and not despite.strip():
            raise WorklistError(f"{' '.join(self.lacks)} Type the reason why it should decide nevertheless.")
        if seen != self.digest:
            raise NotAllowedError("The effects have changed since they were shown to you. Read them again.")


def of_activation(parts: ServerState, made: Activation) -> ClearingChange:
    """Return what starts and stops when a proposal is activated."""
    card = _card(parts, made.model)
    now = parts.promise()
    starts = [f"{made.model_name} ({made.model[:8]}) decides the order in which studies are read."]
    if made.policy is None:
        starts.append("Studies are ranked, and none is cleared.")
    else:
        starts += _clearing(made.policy)
        starts.append("Readers see the order and the flag, and no scores, maps or probabilities.")
    stops = []
    if parts.models is not None and parts.models.card.weights_sha256 != made.model:
        stops.append(f"{parts.models.folder.name} ({parts.models.card.weights_sha256[:8]}) no longer decides.")
    if now.policy is not None and (made.policy is None or made.policy.digest != now.policy.digest):
        stops.append(f"The policy in force ({now.policy.digest[:8]}) no longer clears.")
    if card is None:
        lacks: tuple[str, ...] = (
            "This server does not have the model, so it cannot show whether the model has a gate.",
        )
    else:
        lacks = tuple(words for words, there in ((NO_GATE, card.gate), (NO_EVALUATION, card.metrics)) if not there)
    return ClearingChange(starts=tuple(starts), stops=tuple(stops), lacks=lacks)


def of_alarm(parts: ServerState, alarm: StandingAlarm) -> ClearingChange:
    """Return what starts and stops when a drift alarm ends."""
    policy = None if parts.models is None else parts.models.policy
    if policy is not None and policy.digest == alarm.policy:
        starts = (*_clearing(policy), "Studies that were decided since the alarm stay in the list.")
    else:
        starts = (f"Workers that score by the policy {alarm.policy[:8]} clear studies again.",)
    return ClearingChange(starts=starts, stops=(f"The alarm of {alarm.since:%Y-%m-%d %H:%M} UTC: {alarm.reason}.",))


def of_reopening(alarm: RaisedAlarm) -> ClearingChange:
    """Return what starts and stops when the studies that were cleared among an alarm's films are reopened."""
    count = len(alarm.cleared)
    goes = f"{number_of(count, 'study')} {'goes' if count == 1 else 'go'}"
    stops = "It is" if count == 1 else "They are"
    return ClearingChange(
        starts=(
            f"{goes} back to the list, unread.",
            "Each destination that has a result of such a study gets a correction.",
        ),
        stops=(f"{stops} no longer cleared, and no policy clears {'it' if count == 1 else 'them'} again.",),
    )


def _clearing(policy: Policy) -> list[str]:
    """Describe what a policy clears, one sentence per source."""
    found = []
    for name, source in policy.sources.items():
        if source.threshold is None:
            found.append(f"Nothing is cleared from {name}: {source.refused}.")
            continue
        cleared = cleared_share(source)
        of_normals = (
            f", {percent(cleared.value)} of its {number_of(len(source.normals), 'normal study')} (95 % confidence "
            f"interval {percent(cleared.low)} to {percent(cleared.high)})"
            if isinstance(cleared, Interval)
            else ""
        )
        found.append(
            f"Studies of {name} with a score below {source.threshold:.4g} are cleared without a reader{of_normals}: "
            f"at most {percent(policy.max_miss_rate)} of abnormal studies are missed, with "
            f"{percent(policy.confidence)} confidence, as {number_of(source.abnormals, 'abnormal study', 'has')} shown."
        )
    if policy.clears:
        found.append(f"Readers also read {percent(policy.audit_share)} of the cleared studies, as the audit sample.")
    return found


def _card(parts: ServerState, model: str) -> Card | None:
    return None if parts.models is None or model not in parts.models.named else parts.models.named[model][1]
