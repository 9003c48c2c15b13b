"""Guarantee at this moment: which policy clears, or why none does.

While a drift alarm stands, or no policy clears, no page and no response holds a probability or a promise; all roles are
shown why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from unseen.screening import Policy
    from unseen_server.service.scoring_models import Models
    from unseen_server.worklist.store import Store

State = Literal["clears", "stopped", "ranks", "no_model"]
_GUARANTEE: Final = re.compile(r" \(at most [^()]* confidence\)")  # in the reasons that earlier releases stored


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Guarantee at this moment, and its reason.

    Args:
        state: clears; stopped: a policy is in force and something stands against it (`why`); ranks: no policy clears.
        policy: the one in force; None without one.
        why: why nothing is cleared; "" where the policy clears.
        gated: an input gate stands before the model that decides: the guarantee is about the studies that pass it.
    """

    state: State
    policy: Policy | None
    why: str
    gated: bool = False

    @classmethod
    def of(cls, store: Store, models: Models | None, *, stopped: str = "") -> Self:
        """Return what holds for the models that score now.

        Args:
            store: the worklist, which may hold something against the policy.
            models: the models that score now.
            stopped: why a worker clears nothing; "" where none reports that.
        """
        if models is None:
            return cls(state="no_model", policy=None, why="No model scores here: start the server with --model.")
        policy = models.policy
        if policy is None:
            why = "No policy is in force: studies are ranked, and none is cleared."
            return cls(state="ranks", policy=None, why=why)
        if not policy.clears:
            why = "The policy clears from no source: studies are ranked, and none is cleared."
            return cls(state="ranks", policy=policy, why=why)
        if reason := store.alarms.clearing_stopped(policy.digest) or stopped:
            why = f"Clearing is stopped, and every study is to be read: {reason.rstrip('.')}."
            return cls(state="stopped", policy=policy, why=why)
        return cls(state="clears", policy=policy, why="", gated=models.card.gate is not None)

    @property
    def words(self) -> str:
        """A sentence for the bottom of the list."""
        if self.state != "clears" or self.policy is None:
            return self.why
        named = [name for name, source in self.policy.sources.items() if source.threshold is not None]
        whose = "the abnormal studies that pass the gate" if self.gated else "abnormal studies"
        return (
            f"The policy clears at most {percent(self.policy.max_miss_rate)} of {whose}, with "
            f"{percent(self.policy.confidence)} confidence, from {', '.join(named)}."
        )

    @property
    def prevalence(self) -> float | None:
        """Prevalence that was entered for the probabilities that are shown; None while none is shown."""
        return self.policy.prevalence if self.state == "clears" and self.policy is not None else None

    def covers(self, policy_digest: str) -> bool:
        """Return whether a decision by this policy may be shown with what it promises."""
        return self.state == "clears" and self.policy is not None and self.policy.digest == policy_digest

    def probability(self, policy_digest: str, value: float | None) -> float | None:
        """Return a decision's probability as far as it may be shown.

        Args:
            policy_digest: the policy that decided.
            value: the probability that is stored.

        Returns:
            The value; None where the policy is not in force, and where no prevalence was entered for it.
        """
        return value if self.covers(policy_digest) and self.prevalence is not None else None


def percent(share: float) -> str:
    """Return a share as every page writes it.

    >>> percent(0.05), percent(0.9961), percent(0.99999), percent(1.0)
    ('5 %', '99.61 %', '99.999 %', '100 %')
    """
    text = f"{100 * share:.{4 if 0.995 < share < 1 else 3}g}"
    for decimals in range(2, 7):  # 100 % only if exact
        if text != "100" or share == 1:
            break
        text = f"{100 * share:.{decimals}f}".rstrip("0").rstrip(".")
    return f"{text} %"


def without_promise(reason: str) -> str:
    """Return a decision's reason as it may be shown whatever holds now.

    >>> without_promise("below the threshold of ward (at most 0.1 of abnormal studies missed, with 0.9 confidence)")
    'below the threshold of ward'
    """
    return _GUARANTEE.sub("", reason)
