"""Supervised version of the classifier of `anatpaste`: its network, its augmentation, its training.

    loss = −t log p(x) − (1 − t) log(1 − p(x)),   t = 1 for an abnormal film, p = sigmoid of the network's logit

How many steps it has is no choice made on these films: as many as the recipe `anatpaste-all-aligned`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from unseen.detectors.lesion_classifier import ClassifierTraining, LesionSettings
from unseen.networks.resnet import ResNet18
from unseen.training.learner import Step
from unseen.training.loop import train
from unseen.training.settings import Training

STEPS = 1600
_BATCH = 32


def trained_classifier(x: Tensor, inside: Tensor, abnormal: Tensor, *, seed: int, folder: Path) -> ResNet18:
    """Return the network, at rest, after 1,600 steps on images (n, 1, size, size), 0 outside; abnormal: bool (n,).

    Args:
        folder: where checkpoints go; an interrupted training goes on from there.
    """
    known = LesionSettings()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResNet18(features=known.features)
    per_epoch = len(x) // min(_BATCH, len(x))
    settings = Training(epochs=math.ceil(STEPS / per_epoch), batch_size=_BATCH, seed=seed, threads=1, device="cpu")
    learner = _Response(network, known, steps=settings.epochs * per_epoch)
    train(learner, (x, inside, abnormal.float()), settings, folder=folder)
    return network


class _Response(ClassifierTraining):
    """The learner: films as they are, and what they are called."""

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside, abnormal = batch
        yield self.step(x, inside, abnormal, rng)
