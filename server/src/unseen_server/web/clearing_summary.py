"""Summary of what starts and stops when a second person agrees; both must have read it.

Clearing starts, or starts again, with two people and a note of each. What the second one confirms is the summary's
digest, so that nobody agrees to something that has changed since the page was drawn.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

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
    "It has no input gate: every file that can be read is scored, however unlike the films it learnt from, and may be "
    "cleared."
)
NO_EVALUATION: Final = "It has no evaluation: nobody has measured how well it finds abnormal films."


class Summary(BaseModel):
    """Summary of what would start and stop now."""

    model_config = ConfigDict(from_attributes=True)

    starts: list[str]
    stops: list[str]
    lacks: list[str] = Field(description="what the model lacks; where anything is, the reason must be typed")
    digest: str = Field(description="given back by whoever agrees: what they have read")


@dataclass(frozen=True, kw_only=True)
class ClearingChange:
    """Sentences on what would start and stop."""

    starts: tuple[str, ...]
    stops: tuple[str, ...]
    lacks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of all sentences; it differs if anything differs."""
        said = json.dumps([self.starts, self.stops, self.lacks])
        return hashlib.sha256(said.encode()).hexdigest()

    def check(self, seen: str, *, note: str, despite: str = "") -> None:
        """Raise NotAllowedError where `seen` is another summary, WorklistError where a note or a reason is missing."""
        if not note.strip():
            raise WorklistError("Write a note: what you have looked at, and why this may start.")
        if self.lacks and not despite.strip():
            raise WorklistError(f"{' '.join(self.lacks)} Type the reason why it should decide all the same.")
        if seen != self.digest:
            raise NotAllowedError(
                "What would start and stop is not what you were shown: something has changed meanwhile. Read it again."
            )


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
        stops.append(f"{parts.models.folder.name} ({parts.models.card.weights_sha256[:8]}) decides no longer.")
    if now.policy is not None and (made.policy is None or made.policy.digest != now.policy.digest):
        stops.append(f"The policy in force ({now.policy.digest[:8]}) clears no longer.")
    if card is None:
        lacks: tuple[str, ...] = ("This server was not given the model: whether it has a gate is not known here.",)
    else:
        lacks = tuple(words for words, there in ((NO_GATE, card.gate), (NO_EVALUATION, card.metrics)) if not there)
    return ClearingChange(starts=tuple(starts), stops=tuple(stops), lacks=lacks)


def of_alarm(parts: ServerState, alarm: StandingAlarm) -> ClearingChange:
    """Return what starts and stops when a drift alarm ends."""
    policy = None if parts.models is None else parts.models.policy
    if policy is not None and policy.digest == alarm.policy:
        starts = (*_clearing(policy), "Studies that were judged since the alarm stay in the list.")
    else:
        starts = (f"Workers that score by the policy {alarm.policy[:8]} clear studies again.",)
    return ClearingChange(starts=starts, stops=(f"The alarm of {alarm.since:%Y-%m-%d %H:%M} UTC: {alarm.reason}.",))


def of_reopening(alarm: RaisedAlarm) -> ClearingChange:
    """Return what starts and stops when the studies that were cleared among an alarm's films are reopened."""
    count = len(alarm.cleared)
    goes = "1 study goes" if count == 1 else f"{count} studies go"
    stops = "It is" if count == 1 else "They are"
    return ClearingChange(
        starts=(
            f"{goes} back to the list, unread.",
            "Each destination that has a result of such a study gets a correction.",
        ),
        stops=(f"{stops} cleared no longer, and no policy clears {'it' if count == 1 else 'them'} again.",),
    )


def _clearing(policy: Policy) -> list[str]:
    """Describe what a policy clears, a sentence a source."""
    found = []
    for name, source in policy.sources.items():
        if source.threshold is None:
            found.append(f"Nothing is cleared from {name}: {source.refused}.")
            continue
        cleared = cleared_share(source)
        of_normals = f", {percent(cleared.value)} of its normal studies" if isinstance(cleared, Interval) else ""
        found.append(
            f"Studies of {name} with a score below {source.threshold:.4g} are cleared without a reader{of_normals}: "
            f"at most {percent(policy.max_miss_rate)} of abnormal studies are missed, with "
            f"{percent(policy.confidence)} confidence, as {source.abnormals} abnormal studies have shown."
        )
    found.append(f"Of what is cleared, {percent(policy.audit_share)} is read all the same.")
    return found


def _card(parts: ServerState, model: str) -> Card | None:
    return None if parts.models is None or model not in parts.models.named else parts.models.named[model][1]
