"""The models that score now: those that leads have activated. Workers change within seconds, at every server that
shares the worklist.

An activation counts here if its model is among those that the server was started with. Its policy is written below the
worklist's folder, for the workers to read; the row in the worklist is what holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from unseen_server.service.scoring_models import FurtherModel, Models

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy
    from unseen_server.service.worker_main import WorkerSettings
    from unseen_server.service.workers import Workers
    from unseen_server.worklist.activation import Activation
    from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

POLICIES: Final = "policies"
"""The folder of policies below the worklist's own, each called by its digest."""
LOOK_S: Final = 2.0


class ActiveModels:
    """Keeps `models` and the workers in step with what leads activated; `look` is called again and again.

    Args:
        models: what scores now; None: the workers are started by others.
        problem: why what was activated does not score here; "" where nothing stands against it.
        number: the activation that scores here; None: what the service was started with.
    """

    def __init__(
        self,
        store: Store,
        models: Models | None,
        workers: Workers | None = None,
        *,
        on_policy: Callable[[], object] = lambda: None,
    ) -> None:
        """`on_policy` is called when an activation brings a policy, which may clear films from then on."""
        self._store, self._workers, self._on_policy = store, workers, on_policy
        self._given = self.models = models
        self._last: Activation | None = None
        self._lock = Lock()
        self.problem = ""
        self.number: int | None = None

    def look(self) -> None:
        """Bring the server to what is in force now; does nothing where it is there."""
        with self._lock:
            active = self._store.activations.active()
            if active != self._last:
                self._follow(active)
                self._last = active

    def _follow(self, active: Activation | None) -> None:
        if active is not None and active.policy is not None:
            self._on_policy()
        models = self._given
        self.problem, number = "", None
        if active is not None and models is not None:
            self.problem = _against(active, models)
            if self.problem:
                _log.warning("activation.not_here %s", self.problem)
            else:
                models, number = self._activated(active, models), active.number
        if models != self.models:
            self.models = models
            if self._workers is not None and models is not None:
                self._workers.change(_settings(self._workers.settings, models))
            _log.info("activation.followed number=%s", number)
        self.number = number

    def _activated(self, active: Activation, models: Models) -> Models:
        """Return the server's models in another order, and the policy in a file."""
        path: Path | None = None
        if active.policy is not None:
            path = self._store.home / POLICIES / f"{active.policy_digest}.json"
            active.policy.save(path)
        known = {one.weights_sha256: one for one in active.further}
        kept = {
            model: known[model]
            for model, (_, card) in models.named.items()
            if model in known and not known[model].mismatch(card.digests)
        }
        made = deciding(models, active.model, policy_file=path, policy=active.policy)
        return replace(made, calibrated=kept)


def deciding(models: Models, model: str, *, policy_file: Path | None, policy: Policy | None) -> Models:
    """Return the same models, but `model` decides, by this policy; the others are compared, in their order."""
    everyone = [FurtherModel(folder=models.folder, card=models.card), *models.further]
    first = next(one for one in everyone if one.card.weights_sha256 == model)
    return Models(
        folder=first.folder,
        card=first.card,
        policy_file=policy_file,
        policy=policy,
        further=tuple(one for one in everyone if one is not first),
    )


def _settings(settings: WorkerSettings, models: Models) -> WorkerSettings:
    """Return the settings of the workers, with these models."""
    return replace(
        settings,
        model=str(models.folder),
        policy=None if models.policy_file is None else str(models.policy_file),
        further=tuple(str(one.folder) for one in models.further),
    )


def _against(active: Activation, models: Models) -> str:
    """Return the reason why an activation cannot be followed with these models; "" if it can."""
    if active.model not in models.named:
        return (
            f"{active.model_name} with the weights {active.model[:16]}… was activated (proposal {active.number}), and "
            "this server does not have that model, so it keeps the models of its start. Start the server with --model "
            "or --also and that bundle, or withdraw the activation."
        )
    card = models.named[active.model][1]
    if active.policy is not None and (mismatch := active.policy.mismatch(card.digests)):
        return f"Proposal {active.number}: {mismatch}. This server keeps the models of its start."
    if active.model_digest is not None and active.model_digest != card.digest:
        return (
            f"Proposal {active.number} is about {active.model_name} with the digest {active.model_digest[:16]}…, and "
            f"this server's bundle has {card.digest[:16]}…: its settings were changed. This server keeps the models of "
            "its start. Copy that bundle here, or propose this one."
        )
    return ""


def thresholds_of(card: Card) -> dict[str, float] | None:
    """Return the thresholds of the input gate in a bundle, as its policies hold them; None for a bundle without one."""
    found = None if card.gate is None else card.gate.get("thresholds")
    return None if not isinstance(found, dict) else {str(name): float(value) for name, value in found.items()}
