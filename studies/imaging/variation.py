"""The arm `tv`: isotropic total variation, its one weight searched on the validation images.

The page states the steps of the search (`page.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from studies.imaging.arms import directly
from studies.imaging.problem import Measured, Problem
from unseen.evaluation.psnr_ssim import psnr
from unseen.priors.solvers.solution import Solution
from unseen.priors.tv import TV

POWERS = tuple(power / 2 for power in range(-12, -1))
"""The first grid, 1e-6 to 0.1, by its powers of ten, in units of ‖A‖²: then it suits every operator."""
_LARGEST = 3.0  # power of ten of the largest weight that is tried
_TRIED, ITERATIONS, TOLERANCE = 300, 2000, 1e-3  # iterations for a weight that is tried, and for the one chosen
_CHOSEN_ON = 4  # validation images
_BATCH = 4


def by_variation(problem: Problem) -> tuple[Tensor, dict[str, object]]:
    """Reconstructions of the test images, and what their row says: the weight that was chosen, the validation PSNR
    of each that was tried, and how near to the minimum the solver came.

    The weights are for ‖A x − p‖²/2 with p = link⁻¹(y); of counts, every ray then weighs the same.
    """
    part = _first(problem.validation)

    def reached(weight: float) -> float:
        return float(psnr(torch.cat([s.x for s in _solved(part, problem, weight, _TRIED)]), part.x).mean())

    tried = searched(reached, POWERS)
    best = max(tried, key=lambda weight: tried[weight])
    solutions = _solved(problem.testing, problem, best, ITERATIONS)
    facts: dict[str, object] = {
        "weight": best,
        "weights_tried": {f"{weight:g}": round(value, 3) for weight, value in tried.items()},
        "converged": sum(int(solution.converged.sum()) for solution in solutions),
        "iterations": max(int(solution.iterations.max()) for solution in solutions),
        "tolerance": TOLERANCE,
    }
    return torch.cat([solution.x for solution in solutions]), facts


def searched(quality: Callable[[float], float], powers: Sequence[float]) -> dict[float, float]:
    """Try the weights of a grid, larger ones while the largest is the best, and those around the best in finer steps.

    Smaller ones than the grid's are not tried: without noise, the minimum hardly depends on so small a weight.

    Args:
        quality: of a weight; the higher, the better.
        powers: of ten, ascending, half a decade apart.

    Returns:
        The quality of each weight that was tried, ascending.

    >>> tried = searched(lambda weight: -abs(weight - 0.4), (-1.0, -0.5))
    >>> max(tried, key=lambda weight: tried[weight]), max(tried)
    (0.422, 1.0)
    """
    found = {power: quality(_weight(power)) for power in powers}

    def best() -> float:
        return max(found, key=lambda power: found[power])

    while best() == max(found) < _LARGEST:
        found[max(found) + 0.5] = quality(_weight(max(found) + 0.5))
    for step in (0.25, 0.125):
        around = best()
        for power in (around - step, around + step):
            if powers[0] <= power <= _LARGEST:
                found[power] = quality(_weight(power))
    return {_weight(power): found[power] for power in sorted(found)}


def _weight(power: float) -> float:
    return float(f"{10**power:.3g}")


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
