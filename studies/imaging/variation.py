"""The arm `tv`: isotropic total variation, its one weight chosen on the validation images."""

from __future__ import annotations

import torch
from torch import Tensor

from studies.imaging.arms import directly
from studies.imaging.problem import Measured, Problem
from unseen.evaluation.psnr_ssim import psnr
from unseen.priors.solvers.solution import Solution
from unseen.priors.tv import TV

WEIGHTS = tuple(float(f"{10 ** (power / 2):.3g}") for power in range(-12, -1))
"""The grid, 1e-6 to 0.1, in units of ‖A‖²: then it suits every operator."""
_TRIED, ITERATIONS, TOLERANCE = 300, 2000, 1e-3  # iterations for a weight that is tried, and for the one chosen
_CHOSEN_ON = 4  # validation images
_BATCH = 4


def by_variation(problem: Problem) -> tuple[Tensor, dict[str, object]]:
    """Reconstructions of the test images, and what their row says: the weight that was chosen, the validation PSNR
    of each that was tried, and how near to the minimum the solver came.

    The weights are for ‖A x − p‖²/2 with p = link⁻¹(y); of counts, every ray then weighs the same.
    """
    part = _first(problem.validation)
    reached = {
        weight: float(psnr(torch.cat([s.x for s in _solved(part, problem, weight, _TRIED)]), part.x).mean())
        for weight in WEIGHTS
    }
    best = max(reached, key=lambda weight: reached[weight])
    solutions = _solved(problem.testing, problem, best, ITERATIONS)
    facts: dict[str, object] = {
        "weight": best,
        "weights_tried": {f"{weight:g}": round(value, 3) for weight, value in reached.items()},
        "converged": sum(int(solution.converged.sum()) for solution in solutions),
        "iterations": max(int(solution.iterations.max()) for solution in solutions),
        "tolerance": TOLERANCE,
    }
    return torch.cat([solution.x for solution in solutions]), facts


def _solved(part: Measured, problem: Problem, weight: float, iterations: int) -> list[Solution]:
    found: list[Solution] = []
    prior = TV(weight * problem.process.A.norm() ** 2)
    for start in range(0, len(part.y), _BATCH):
        rows = slice(start, start + _BATCH)
        y, process = part.y[rows], part.process_of(problem.process, rows)
        begun = directly(y, problem, None if part.operators is None else part.operators[rows])
        data = process.linearise(y)
        found.append(prior.solve(data, process.A, start=begun, iterations=iterations, tolerance=TOLERANCE))
    return found


def _first(part: Measured) -> Measured:
    some = slice(_CHOSEN_ON)
    return Measured(part.x[some], part.y[some], None if part.operators is None else part.operators[some])
