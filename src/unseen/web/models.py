"""The model and the policy that worker processes score with: looked at before anything starts, without its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from unseen.artifacts.bundle import BundleError, Card
from unseen.artifacts.limits import LIMITS
from unseen.artifacts.shipped import located
from unseen.screening.policy import Policy, PolicyError

_CARD_BYTES = 8 * 2**20


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
    limits: str = LIMITS

    @classmethod
    def of(cls, folder: Path, policy_file: Path | None = None) -> Self:
        """Look at a bundle's card and at a policy.

        Raises BundleError and PolicyError: what a worker would refuse is refused before any is started.
        """
        path = located(folder) / "card.json"
        try:
            if path.stat().st_size > _CARD_BYTES:
                raise BundleError(f"{path}: {path.stat().st_size} bytes is no card. Copy the bundle again.")
            card = Card.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleError(
                f"{folder}: holds no model ({error.strerror}: card.json). Give a bundle's folder, or models/pca."
            ) from error
        except ValueError as error:
            raise BundleError(f"{path}: not a model's card. Copy the bundle again.") from error
        if card.kind != "detector":
            raise BundleError(f"{folder}: holds a {card.kind} model, not a detector. Give a detector's bundle.")
        policy = None if policy_file is None else Policy.load(policy_file)
        if policy is not None and policy.weights_sha256 != card.weights_sha256:
            raise PolicyError(
                f"{policy_file}: was calibrated for {policy.model} with the weights {policy.weights_sha256[:16]}…, and "
                f"{folder} has {card.weights_sha256[:16]}…. Calibrate this model, or give the other."
            )
        return cls(folder=folder, card=card, policy_file=policy_file, policy=policy)
