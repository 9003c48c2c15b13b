"""Models and policy that workers score with, read without their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from unseen.artifacts import BundleError, Card, card_of
from unseen.screening import Policy, PolicyError


@dataclass(frozen=True, kw_only=True)
class FurtherModel:
    """A model whose scores are kept for comparison; it decides nothing."""

    folder: Path
    card: Card


@dataclass(frozen=True, kw_only=True)
class Models:
    """Models that score, and the policy by which the first decides.

    Args:
        folder: the bundle of the model that decides.
        policy_file: what `unseen calibrate` wrote; None: films are ranked, and none is cleared.
        further: the others, in the order given.
        calibrated: policies of the others, by SHA-256 of their weights: their normals are references, and clear
            nothing.
    """

    folder: Path
    card: Card
    policy_file: Path | None = None
    policy: Policy | None = None
    further: tuple[FurtherModel, ...] = ()
    calibrated: Mapping[str, Policy] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, policy_file: Path | None = None, *, further: Sequence[Path] = ()) -> Self:
        """Look at the bundles' cards and at a policy.

        Raises BundleError and PolicyError: what a worker would refuse is refused before any is started.
        """
        card = card_of(folder, "detector")
        policy = None if policy_file is None else Policy.load(policy_file)
        if policy is not None and (mismatch := policy.mismatch(card.digests)):
            raise PolicyError(f"{policy_file}, {folder}: {mismatch}.")
        others = tuple(FurtherModel(folder=one, card=card_of(one, "detector")) for one in further)
        seen = {card.weights_sha256: folder}
        for other in others:
            if other.card.weights_sha256 in seen:
                first = seen[other.card.weights_sha256]
                raise BundleError(
                    f"{other.folder}: has the same weights as {first}, and the same scores. Give each model once."
                )
            seen[other.card.weights_sha256] = other.folder
        return cls(folder=folder, card=card, policy_file=policy_file, policy=policy, further=others)

    @property
    def named(self) -> dict[str, tuple[str, Card]]:
        """Every model's name for people, which is its bundle's folder, and its card; by weights, the one that decides
        first."""
        both = [(self.folder, self.card), *((one.folder, one.card) for one in self.further)]
        return {card.weights_sha256: (folder.name, card) for folder, card in both}
