"""The arm `tv`: isotropic total variation, its one weight chosen on the validation pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.evaluation.psnr import psnr
from unseen.experiments.imaging.arms import directly
from unseen.experiments.imaging.problem import Measured, Problem
from unseen.priors.tv import TV

WEIGHTS = tuple(float(f"{10 ** (power / 2):.3g}") for power in range(-12, -1))
"""The grid, 1e-6 to 0.1, in units of ‖A‖²: then it suits every operator."""
_ITERATIONS, _TOLERANCE = 300, 1e-3
_CHOSEN_ON = 4  # validation pictures
_BATCH = 4


def by_variation(problem: Problem) -> tuple[Tensor, dict[str, float], float]:
    """Reconstructions of the test pictures, the validation PSNR by weight, and the weight that was chosen.

    The weights are for ‖A x − p‖²/2 with p = link⁻¹(y); of counts, every ray then weighs the same.
    """
    part = _first(problem.validation)
    reached = {weight: float(psnr(_solved(part, problem, weight), part.x).mean()) for weight in WEIGHTS}
    best = max(reached, key=lambda weight: reached[weight])
    found = _solved(problem.testing, problem, best)
    return found, {f"{weight:g}": round(value, 3) for weight, value in reached.items()}, best


def _solved(part: Measured, problem: Problem, weight: float) -> Tensor:
    found: list[Tensor] = []
    prior = TV(weight * problem.process.A.norm() ** 2)
    for start in range(0, len(part.y), _BATCH):
        rows = slice(start, start + _BATCH)
        y, process = part.y[rows], part.process_of(problem.process, rows)
        begun = directly(y, problem, None if part.operators is None else part.operators[rows])
        solution = prior.solve(
            process.linearise(y), process.A, start=begun, iterations=_ITERATIONS, tolerance=_TOLERANCE
        )
        found.append(solution.x)
    return torch.cat(found)


def _first(part: Measured) -> Measured:
    some = slice(_CHOSEN_ON)
    return Measured(part.x[some], part.y[some], None if part.operators is None else part.operators[some])
