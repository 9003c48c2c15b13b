"""The model and the policy that worker processes score with: looked at before anything starts, without its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from unseen.artifacts.bundle import BundleError, Card, card_of
from unseen.screening.policy import Policy, PolicyError


@dataclass(frozen=True, kw_only=True)
class Models:
    """What scores.

    folder       the bundle
    policy_file  what `unseen calibrate` wrote; None: films are ranked, and none is cleared
    """

    folder: Path
    card: Card
    policy_file: Path | None = None
    policy: Policy | None = None

    @classmethod
    def of(cls, folder: Path, policy_file: Path | None = None) -> Self:
        """Look at a bundle's card and at a policy.

        Raises BundleError and PolicyError: what a worker would refuse is refused before any is started.
        """
        card = card_of(folder)
        if card.kind != "detector":
            raise BundleError(f"{folder}: holds a {card.kind} model, not a detector. Give a detector's bundle.")
        policy = None if policy_file is None else Policy.load(policy_file)
        if policy is not None and policy.weights_sha256 != card.weights_sha256:
            raise PolicyError(
                f"{policy_file}: was calibrated for {policy.model} with the weights {policy.weights_sha256[:16]}…, and "
                f"{folder} has {card.weights_sha256[:16]}…. Calibrate this model, or give the other."
            )
        return cls(folder=folder, card=card, policy_file=policy_file, policy=policy)
