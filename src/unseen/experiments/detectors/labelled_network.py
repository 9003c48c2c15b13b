"""The classifier of `anatpaste`, told which films are abnormal: its network, its variations, its descent.

    loss = −t log p(x) − (1 − t) log(1 − p(x)),   t = 1 for an abnormal film, p = sigmoid of the network's logit

How many epochs it has is no choice made on these films: as many steps as `anatpaste` has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from unseen.detectors.lesion_classifier import LesionSettings, varied
from unseen.networks.residual_classifier import ResNet18
from unseen.training.learner import Step
from unseen.training.loop import train
from unseen.training.settings import Training

STEPS = 1600
_BATCH = 32


def trained_classifier(x: Tensor, inside: Tensor, abnormal: Tensor, *, seed: int, folder: Path) -> ResNet18:
    """The network, at rest, after 1,600 steps on pictures (n, 1, size, size), 0 outside; abnormal: bool (n,).

    folder  where checkpoints go; an interrupted training goes on from there
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResNet18(features=LesionSettings().features)
    per_epoch = len(x) // min(_BATCH, len(x))
    settings = Training(epochs=math.ceil(STEPS / per_epoch), batch_size=_BATCH, seed=seed, threads=1, device="cpu")
    learner = _Told(network, steps=settings.epochs * per_epoch)
    train(learner, (x, inside, abnormal.float()), settings, folder=folder)
    return network


class _Told:
    """The learner."""

    def __init__(self, network: ResNet18, *, steps: int) -> None:
        self.network, self.total, self.rate = network, steps, LesionSettings().learning_rate
        self.modules: dict[str, nn.Module] = {"classifier": network}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "classifier": torch.optim.SGD(network.parameters(), lr=self.rate, momentum=0.9, weight_decay=3e-5)
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside, abnormal = batch
        for group in self.optimisers["classifier"].param_groups:
            done = int(self.network.batches) / self.total
            group["lr"] = self.rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        logit = self.modules["classifier"](varied(x, inside, generator=rng))[2].float()  # (batch,)
        yield Step("classifier", functional.binary_cross_entropy_with_logits(logit, abnormal))

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""
