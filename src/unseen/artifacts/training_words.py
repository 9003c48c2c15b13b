"""Training budget of a model in words, from its card: steps, epochs, features and convergence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from unseen.artifacts.number_words import number_of

NOT_RECORDED: Final = "Training steps are not recorded in this bundle."
STEPS, EPOCHS, CONVERGED = "training_steps", "training_epochs", "converged"
"""Facts of a card that a training adds; cards of earlier versions lack them. `converged` is 1 or 0."""


def training_words(
    config: Mapping[str, object], facts: Mapping[str, object], finder: Mapping[str, object] | None = None
) -> str:
    """Return a network's training budget, or that it is not recorded; "" for a method without a training by epochs.

    Args:
        config: Settings of a card.
        facts: Facts of a card.
        finder: Settings of a lung segmentation model, for the card of one.

    Example:
        >>> facts = {"training_steps": 560, "training_epochs": 70, "converged": 0}
        >>> training_words({"features": 32}, facts)
        '560 steps, 70 epochs, 32 features; not converged'
        >>> training_words({"features": 32}, {})
        '32 features. Training steps are not recorded in this bundle.'
        >>> training_words({"components": 20}, {})
        ''
    """
    if "base" in config and isinstance(settings := config.get("settings"), Mapping):  # a detector with a head
        config = settings
    if finder is not None:
        return _of_network(finder, {STEPS: finder.get("steps")})
    if isinstance(members := config.get("members"), list):
        return _of_members(members, facts)
    return _of_network(config, facts) if _is_trained(config, facts) else ""


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


def _of_network(config: Mapping[str, object], facts: Mapping[str, object]) -> str:
    """Return the budget of one network, from its settings and the facts of its training."""
    amounts = _amounts(config, facts)
    if facts.get(STEPS) is None:
        return f"{amounts}. {NOT_RECORDED}" if amounts else NOT_RECORDED
    return amounts


def _amounts(config: Mapping[str, object], facts: Mapping[str, object], epochs: object = None) -> str:
    """Return the recorded parts of a budget; `epochs`: of the settings, where the facts have none."""
    counts = (("step", facts.get(STEPS)), ("epoch", facts.get(EPOCHS, epochs)), ("feature", config.get("features")))
    text = ", ".join(number_of(int(count), name) for name, count in counts if isinstance(count, int | float))
    if CONVERGED in facts:
        text += "; converged" if facts[CONVERGED] else "; not converged"
    return text


def _of_members(members: list[object], facts: Mapping[str, object]) -> str:
    """Return the budgets of an ensemble's trained members; each has its number and name before its facts."""
    texts, recorded = [], True
    for number, member in enumerate(members):
        if not isinstance(member, Mapping):
            continue
        settings = member.get("settings")
        config = settings if isinstance(settings, Mapping) else {}
        start = f"{number}-{member.get('key')} "
        own = {name.removeprefix(start): value for name, value in facts.items() if name.startswith(start)}
        if _is_trained(config, own) or (member.get("epochs") is not None and STEPS not in own):
            amounts = _amounts(config, own, member.get("epochs"))
            texts.append(f"{member.get('key')}: {amounts}" if amounts else str(member.get("key")))
            recorded &= STEPS in own
    if not texts:
        return ""
    return "; ".join(texts) if recorded else f"{'; '.join(texts)}. {NOT_RECORDED}"
