"""The arms of a problem: what is trained on which loss, with the same network, steps and learning rate; and what needs
no training.

direct      A⁺, or FBP for tomography
tv          isotropic total variation, its weight chosen on validation images
mc          measurement consistency alone
sure        its unbiased estimate alone
ei          MC + α EQ
rei         SURE + α REQ
supervised  with the truth
multi-operator  MC under each operator, and consistency across them
scales      scale equivariance, for blurs and downsampling
"""

from __future__ import annotations

import torch
from torch import Tensor

from studies.imaging.problem import Problem
from studies.imaging.settings import Arm
from unseen.losses.backprojection import BackprojectedConsistency, BackprojectedRisk
from unseen.losses.equivariance import Equivariance, RobustEquivariance
from unseen.losses.loss import Loss
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.multi_operator import MultiOperator
from unseen.losses.risk import Sure
from unseen.losses.scale_equivariance import ScaleEquivariance
from unseen.losses.supervised import Supervised
from unseen.physics.groups.scalings import Scalings
from unseen.reconstruction.reconstructor import starting_image

TRAINED: tuple[Arm, ...] = ("mc", "sure", "ei", "rei", "supervised", "multi-operator", "scales")
NAMES: dict[str, str] = {
    "direct": "A†",
    "tv": "TV",
    "mc": "MC",
    "sure": "SURE",
    "ei": "EI",
    "rei": "REI",
    "supervised": "supervised",
    "multi-operator": "multi-operator",
    "scales": "scale-equivariant",
}
LOSS_SETTINGS = ("compared", "fidelity", "tau", "equivariance", "transforms", "group")
READ_BY: dict[Arm, tuple[str, ...]] = {
    "supervised": (),
    "mc": ("compared", "fidelity"),
    "sure": ("compared", "fidelity", "tau"),
    "ei": ("compared", "fidelity", "equivariance", "transforms", "group"),
    "rei": LOSS_SETTINGS,
    "multi-operator": ("compared", "fidelity", "tau", "equivariance"),
    "scales": ("compared", "fidelity", "tau", "equivariance"),
}
"""Which settings of the losses an arm reads: the others may change without its training becoming another."""
NOISE_STEP = 0.5  # of a backprojected risk, in standard deviations
_BATCH = 8  # images reconstructed at a time


def losses_of(arm: Arm, problem: Problem) -> list[Loss]:
    """What an arm descends."""
    s, group = problem.settings, problem.group
    fits: Loss
    risk: Loss
    if s.compared == "pictures":
        fits = BackprojectedConsistency(weight=s.fidelity)
        risk = BackprojectedRisk(s.tau or NOISE_STEP, weight=s.fidelity)
    else:
        fits, risk = MeasurementConsistency(weight=s.fidelity), Sure(s.tau, weight=s.fidelity)
    if problem.process.noise is None:
        risk = fits
    losses: dict[str, list[Loss]] = {
        "mc": [fits],
        "sure": [risk],
        "ei": [fits, Equivariance(group, transforms=s.transforms, weight=s.equivariance)],
        "rei": [risk, RobustEquivariance(group, transforms=s.transforms, weight=s.equivariance)],
        "supervised": [Supervised()],
        "multi-operator": [risk, MultiOperator(weight=s.equivariance)],
        "scales": [risk, ScaleEquivariance(Scalings(), weight=s.equivariance)],
    }
    return losses[arm]


def directly(y: Tensor, problem: Problem, operators: Tensor | None = None) -> Tensor:
    """A⁺ link⁻¹(y), or FBP where the operator has one: (n, *A.domain)."""
    found: list[Tensor] = []
    for start in range(0, len(y), _BATCH):
        rows = slice(start, start + _BATCH)
        process = problem.process if operators is None else problem.process.select(operators[rows])
        found.append(starting_image(y[rows], process, "auto"))
    return torch.cat(found)
