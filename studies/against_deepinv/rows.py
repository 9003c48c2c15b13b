"""Rows `against-deepinv/<problem>/<library>-<seed>`: PSNR and SSIM of each test image, and what was spent."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime

from torch import Tensor

from studies.against_deepinv.problems import FEATURES, LEARNING_RATE, ContestProblem
from studies.against_deepinv.training import Trained
from studies.imaging.rows import measured, processor, thinned
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.psnr_ssim import psnr, ssim

STUDY = "against-deepinv"
METRICS = {"psnr": psnr, "ssim": ssim}


def name_of(problem: str, arm: str, seed: int | str) -> str:
    """Return the row's name.

    >>> name_of("mri", "deepinv", 2)
    'against-deepinv/mri/deepinv-2'
    """
    return f"{STUDY}/{problem}/{arm}-{seed}"


def figures_row(problem: ContestProblem, arm: str, found: Tensor, *, seed: int, facts: Mapping[str, object]) -> Row:
    """Return the row of reconstructions `found` of the test images, with further `facts`."""
    by_picture = {name: metric(found, problem.testing.x) for name, metric in METRICS.items()}
    return {
        "problem": problem.name,
        "arm": arm,
        "seed": seed,
        "recipe": problem.contest.recipe,
        "px": problem.contest.size,
        **measured(problem, by_picture),
        **_machine(),
        **facts,
    }


def training_facts(problem: ContestProblem, trained: Trained, option: Mapping[str, object]) -> dict[str, object]:
    """Return a row's entries on a training."""
    return {
        "library_version": trained.version,
        "option": dict(option),
        "learning_rate": LEARNING_RATE,
        "features": FEATURES,
        "steps": trained.steps,
        "batch": problem.contest.batch,
        "seconds": round(trained.seconds, 1),
        "curve": thinned(trained.curve, points=60),
    }


def choice_row(
    problem: ContestProblem, library: str, option: Mapping[str, object], tried: list[dict[str, object]]
) -> Row:
    """Return the row of a library's choice on the validation images."""
    return {
        "problem": problem.name,
        "arm": library,
        "seed": 0,
        "recipe": problem.contest.recipe,
        "chosen": dict(option),
        "tried": tried,
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **_machine(),
    }


def _machine() -> dict[str, str]:
    return {"device": f"cpu ({platform.machine()}), 1 thread", "machine": processor()}
