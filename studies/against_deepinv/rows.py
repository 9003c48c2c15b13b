"""Rows `against-deepinv/<problem>/<library>-<seed>`: PSNR and SSIM of each test image, and what was spent."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime

from torch import Tensor

from studies.against_deepinv.problems import FEATURES, LEARNING_RATE, ContestProblem
from studies.against_deepinv.training import Trained
from studies.imaging.rows import processor
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.psnr_ssim import psnr, ssim

STUDY = "against-deepinv"
METRICS = {"psnr": psnr, "ssim": ssim}


def name_of(problem: str, arm: str, seed: int | str) -> str:
    """The row's name.

    >>> name_of("mri", "deepinv", 2)
    'against-deepinv/mri/deepinv-2'
    """
    return f"{STUDY}/{problem}/{arm}-{seed}"


def figures_row(problem: ContestProblem, arm: str, found: Tensor, *, seed: int, facts: Mapping[str, object]) -> Row:
    """The row of reconstructions `found` of the test images; `facts` is what else is to be kept."""
    truth, units = problem.testing.x, problem.pictures.units
    by_picture = {name: [round(float(value), 4) for value in metric(found, truth)] for name, metric in METRICS.items()}
    return {
        "problem": problem.name,
        "arm": arm,
        "seed": seed,
        "recipe": problem.contest.recipe,
        "px": problem.contest.size,
        "n": {
            "trained": len(problem.pictures.training),
            "tested": len(truth),
            "units": len(set(units)),
            "split": problem.pictures.split,
        },
        "metrics": {name: mean_of(values, units).to_json() for name, values in by_picture.items()},
        "by_picture": by_picture,
        "units": list(units),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": f"cpu ({platform.machine()}), 1 thread",
        "machine": processor(),
        **facts,
    }


def training_facts(problem: ContestProblem, trained: Trained, option: Mapping[str, object]) -> dict[str, object]:
    """What a row says of a training."""
    return {
        "library_version": trained.version,
        "option": dict(option),
        "learning_rate": LEARNING_RATE,
        "features": FEATURES,
        "steps": trained.steps,
        "batch": problem.contest.batch,
        "seconds": round(trained.seconds, 1),
        "curve": _thinned(trained.curve),
    }


def choice_row(
    problem: ContestProblem, library: str, option: Mapping[str, object], tried: list[dict[str, object]]
) -> Row:
    """The row of what a library chose on the validation images."""
    return {
        "problem": problem.name,
        "arm": library,
        "seed": 0,
        "recipe": problem.contest.recipe,
        "chosen": dict(option),
        "tried": tried,
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": f"cpu ({platform.machine()}), 1 thread",
        "machine": processor(),
    }


def _thinned(curve: list[float], points: int = 60) -> list[float]:
    stride = max(1, -(-len(curve) // points))
    parts = [curve[start : start + stride] for start in range(0, len(curve), stride)]
    return [float(f"{sum(part) / len(part):.5g}") for part in parts]
