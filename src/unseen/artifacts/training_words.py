"""Training budget of a model in words, from its card: steps, epochs, features and convergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from unseen.artifacts.number_words import number_of

if TYPE_CHECKING:
    from unseen.artifacts.card import Card

NOT_RECORDED: Final = "Training steps are not recorded in this bundle."
STEPS, EPOCHS, CONVERGED = "training_steps", "training_epochs", "converged"
"""Facts of a card that a training adds; cards of earlier versions lack them. `converged` is 1 or 0."""


def training_words(card: Card) -> str:
    """Return a network's training budget, or that it is not recorded; "" for a method without a training by epochs.

    Example:
        >>> from unseen.artifacts import Card
        >>> facts = {"training_steps": 560, "training_epochs": 70, "converged": 0}
        >>> training_words(Card(kind="detector", name="ganomaly", config={"features": 32}, facts=facts))
        '560 steps, 70 epochs, 32 features; not converged'
        >>> training_words(Card(kind="detector", name="ganomaly", config={"features": 32}))
        '32 features. Training steps are not recorded in this bundle.'
        >>> training_words(Card(kind="detector", name="pca", config={"components": 20}))
        ''
    """
    config: Mapping[str, object] = card.config
    if "base" in config and isinstance(settings := config.get("settings"), Mapping):  # a detector with a head
        config = settings
    if card.kind == "lungs":
        return _of_network(card.finder or {}, {STEPS: (card.finder or {}).get("steps")})
    if isinstance(members := config.get("members"), list):
        return _of_members(members, card.facts)
    return _of_network(config, card.facts) if _is_trained(config, card.facts) else ""


def budget_in(facts: Mapping[str, float]) -> dict[str, float]:
    """Return the facts on steps, epochs and convergence, also those of an ensemble's members.

    Example:
        >>> budget_in({"sigma": 0.1, "training_steps": 40, "0-dae training_steps": 20})
        {'training_steps': 40, '0-dae training_steps': 20}
    """
    return {name: value for name, value in facts.items() if name.rpartition(" ")[2] in (STEPS, EPOCHS, CONVERGED)}


def _is_trained(config: Mapping[str, object], facts: Mapping[str, object]) -> bool:
    """Return whether a network was trained: all that learn by epochs have a number of features, and they alone."""
    return bool(facts.get(STEPS)) if STEPS in facts else "features" in config


def _of_network(config: Mapping[str, object], facts: Mapping[str, object], epochs: object = None) -> str:
    """Return the budget of one network.

    Args:
        config: Its settings.
        facts: Facts of its training.
        epochs: Number of epochs, where the settings have it and the facts do not.
    """
    parts = []
    for name, count in (
        ("step", facts.get(STEPS)),
        ("epoch", facts.get(EPOCHS, epochs)),
        ("feature", config.get("features")),
    ):
        if isinstance(count, int | float):
            parts.append(number_of(int(count), name))
    text = ", ".join(parts)
    if STEPS not in facts or facts[STEPS] is None:
        return f"{text}. {NOT_RECORDED}" if text else NOT_RECORDED
    if CONVERGED in facts:
        text += "; converged" if facts[CONVERGED] else "; not converged"
    return text


def _of_members(members: list[object], facts: Mapping[str, object]) -> str:
    """Return the budgets of an ensemble's trained members; each has its number and name before its facts."""
    texts = []
    for number, member in enumerate(members):
        if not isinstance(member, Mapping):
            continue
        settings = member.get("settings")
        config = settings if isinstance(settings, Mapping) else {}
        start = f"{number}-{member.get('key')} "
        own = {name.removeprefix(start): value for name, value in facts.items() if name.startswith(start)}
        if _is_trained(config, own) or (member.get("epochs") is not None and STEPS not in own):
            words = _of_network(config, own, member.get("epochs")).removesuffix(NOT_RECORDED).strip().rstrip(".")
            texts.append((f"{member.get('key')}: {words}" if words else str(member.get("key")), STEPS in own))
    if not texts:
        return ""
    said = "; ".join(text for text, _ in texts)
    return said if all(known for _, known in texts) else f"{said}. {NOT_RECORDED}"
