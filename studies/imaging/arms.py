"""The arms of a problem: what is trained on which loss, with the same network, steps and learning rate; and what needs
no training.

direct      A⁺, or FBP for tomography
tv          isotropic total variation, its weight chosen on validation images
mc          measurement consistency alone
sure        its unbiased estimate alone
ei          MC + α EQ
ei-projected    the networks of `ei`, each image moved to its measurement afterwards: x̂ + A⁺(y − A x̂)
ei+project  MC + α EQ, each image moved to its measurement in training and afterwards
rei         SURE + α REQ
supervised  with the truth
supervised+ei   with the truth, and α EQ
ei+adversarial  MC + α EQ, and an adversary
multi-operator  MC under each operator, and consistency across them
scales      scale equivariance, for blurs and downsampling
unrolled    the reconstructor `Unrolled` by the problem's first loss without truth of `WITHOUT_TRUTH`
multi-operator+project, unrolled+project    the same, each image moved to its measurement in training and afterwards
…+stopped   the same, and a tenth of the measurements, held out, chooses the epoch also without noise
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from studies.imaging.problem import Problem
from studies.imaging.settings import Arm
from unseen.losses.loss import Loss
from unseen.reconstruction.reconstructor import starting_image
from unseen.runs import imaging_settings
from unseen.runs.imaging_settings import Objective

TRAINED: tuple[Arm, ...] = (
    "mc", "sure", "ei", "ei-projected", "ei+project", "rei", "supervised", "supervised+ei", "ei+adversarial",
    "multi-operator", "multi-operator+project", "multi-operator+project+stopped", "scales", "unrolled",
    "unrolled+project", "unrolled+project+stopped",
)  # fmt: skip
WITH_TRUTH: tuple[Arm, ...] = ("supervised", "supervised+ei")
WITHOUT_TRUTH: tuple[Objective, ...] = ("rei", "ei", "multi-operator", "scales", "sure", "mc")
"""Losses of the arm `unrolled`: the first of these that is an arm of the problem, projected or not."""
NETWORKS: dict[Arm, Arm] = {"ei-projected": "ei"}
"""Arms that take the trained networks of another arm."""
PROJECTED: dict[Arm, Arm] = {
    "ei+project": "ei",
    "multi-operator+project": "multi-operator",
    "multi-operator+project+stopped": "multi-operator",
    "unrolled+project": "unrolled",
    "unrolled+project+stopped": "unrolled",
}
"""Arms that are projected in training, with the arm that they are without it."""
STOPPED: tuple[Arm, ...] = ("multi-operator+project+stopped", "unrolled+project+stopped")
"""Arms of which held-out measurements choose the epoch also without noise; with noise they do for all arms."""
NAMES: dict[str, str] = {
    "direct": "A†",
    "tv": "TV",
    "mc": "MC",
    "sure": "SURE",
    "ei": "EI",
    "ei-projected": "EI, projected afterwards",
    "ei+project": "EI, projected in training",
    "rei": "REI",
    "supervised": "supervised",
    "supervised+ei": "supervised + EI",
    "ei+adversarial": "EI + adversary",
    "multi-operator": "multi-operator",
    "multi-operator+project": "multi-operator, projected in training",
    "multi-operator+project+stopped": "multi-operator, projected in training, stopped",
    "scales": "scale-equivariant",
    "unrolled": "unrolled",
    "unrolled+project": "unrolled, projected in training",
    "unrolled+project+stopped": "unrolled, projected in training, stopped",
}
LOSS_SETTINGS = ("compared", "fidelity", "tau", "equivariance", "transforms", "group")
READ_BY: dict[Arm, tuple[str, ...]] = {
    "supervised": (),
    "supervised+ei": ("equivariance", "transforms", "group"),
    "ei+adversarial": ("compared", "fidelity", "equivariance", "transforms", "group"),
    "unrolled": LOSS_SETTINGS,
    "unrolled+project": LOSS_SETTINGS,
    "unrolled+project+stopped": LOSS_SETTINGS,
    "mc": ("compared", "fidelity"),
    "sure": ("compared", "fidelity", "tau"),
    "ei": ("compared", "fidelity", "equivariance", "transforms", "group"),
    "ei-projected": ("compared", "fidelity", "equivariance", "transforms", "group"),
    "ei+project": ("compared", "fidelity", "equivariance", "transforms", "group"),
    "rei": LOSS_SETTINGS,
    "multi-operator": ("compared", "fidelity", "tau", "equivariance"),
    "multi-operator+project": ("compared", "fidelity", "tau", "equivariance"),
    "multi-operator+project+stopped": ("compared", "fidelity", "tau", "equivariance"),
    "scales": ("compared", "fidelity", "tau", "equivariance"),
}
"""Loss settings that each arm reads: a change of the others leaves the arm's training the same."""
_BATCH = 8  # images reconstructed at a time


def losses_of(arm: Arm, problem: Problem) -> list[Loss]:
    """Return the losses of an arm, with the weights of the problem's settings."""
    if arm == "direct" or arm == "tv":
        raise ValueError(f"the arm {arm} is not trained, so it has no losses")
    plain = NETWORKS.get(arm, PROJECTED.get(arm, arm))
    name = loss_of_unrolled(problem.settings.arms) if plain == "unrolled" else cast(Objective, plain)
    return imaging_settings.losses_of(name, problem.settings, problem.process, group=problem.group)


def loss_of_unrolled(arms: Sequence[Arm]) -> Objective:
    """Return the loss of the arm `unrolled` in a problem with these arms."""
    plain = {PROJECTED.get(arm, arm) for arm in arms}
    return next(one for one in WITHOUT_TRUTH if one in plain)


def directly(y: Tensor, problem: Problem, operators: Tensor | None = None) -> Tensor:
    """A⁺ link⁻¹(y), or FBP where the operator has one: (n, *A.domain)."""
    found: list[Tensor] = []
    for start in range(0, len(y), _BATCH):
        rows = slice(start, start + _BATCH)
        process = problem.process if operators is None else problem.process.select(operators[rows])
        found.append(starting_image(y[rows], process, "auto"))
    return torch.cat(found)
