"""Rows of arms, `imaging/<problem>-<arm>-<seed>` in `studies/results/imaging.jsonl`: figures of each test image."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from torch import Tensor

from studies.imaging.problem import Problem
from studies.imaging.running import Trained
from studies.imaging.settings import Arm
from studies.imaging.tuning import Tuned
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.psnr_ssim import psnr, ssim
from unseen.reconstruction.held_out import RISK

LEAST_FOR_SSIM = 11  # pixels a side


def row_of(problem: Problem, arm: Arm, found: Tensor, *, seed: int, facts: Mapping[str, object]) -> Row:
    """Return the row of reconstructions `found` of the test images, with further `facts`."""
    truth, recipe = problem.testing.x, problem.recipe
    by_picture = {"psnr": psnr(found, truth), "psnr_papers": psnr(found, truth, peak=None)}
    if min(truth.shape[2:]) >= LEAST_FOR_SSIM:
        by_picture["ssim"] = ssim(found, truth)
    return {
        "recipe": f"{recipe.name}-{arm}",
        "problem": recipe.name,
        "arm": arm,
        "seed": seed,
        "settings": recipe.method.settings,
        "view": recipe.view,
        "training": recipe.training,
        "px": recipe.view["size"],
        "m": math.prod(problem.process.A.range) if problem.process.A.observed() is None else _observed(problem),
        **measured(problem, by_picture),
        **facts,
    }


def measured(problem: Problem, by_picture: Mapping[str, Tensor]) -> Row:
    """Return a row's part on the test images: numbers of images, means with intervals, each image's values, date.

    Args:
        problem: the problem.
        by_picture: of each metric, one value for each test image: (n,).
    """
    listed = {name: [round(float(value), 4) for value in values] for name, values in by_picture.items()}
    units = problem.pictures.units
    return {
        "n": {
            "trained": len(problem.pictures.training),
            "tested": len(problem.testing.x),
            "units": len(set(units)),
            "split": problem.pictures.split,
        },
        "metrics": {name: mean_of(values, units).to_json() for name, values in listed.items()},
        "by_picture": listed,
        "units": list(units),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def training_facts(problem: Problem, trained: Trained, choice: Tuned) -> dict[str, object]:
    """Return a row's entries on the training."""
    history = trained.history
    return {
        "recipe_digest": trained.digest,
        "features": problem.settings.features,
        "weights": trained.weights,
        "device": f"{history.device} ({platform.machine()}), {problem.recipe.training['threads']} thread(s)",
        "flags": {"precision": problem.recipe.training["precision"]},
        "learning_rate": trained.learning_rate,
        **choice.to_json(),
        "steps": history.steps,
        "seconds": round(history.seconds, 1),
        "cpu_seconds": None if math.isnan(trained.cpu_s) else round(trained.cpu_s, 1),
        "curve": thinned(history.by_epoch("loss")),
        "validation_psnr": _by_epoch(history.validation["psnr"], 3),
        "testing_psnr": _by_epoch(history.validation["test psnr"], 3),
        "held_out_risk": _by_epoch(history.validation.get(RISK, []), 6),
        "kept_epoch": history.best_epoch(),
        "machine": processor(),
    }


def _by_epoch(values: list[float], digits: int) -> list[list[float]]:
    """Return [epoch, value] of the epochs that have one."""
    return [[epoch, round(value, digits)] for epoch, value in enumerate(values, 1) if not math.isnan(value)]


def processor() -> str:
    """Return the name of this machine's processor, as Linux has it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def thinned(curve: list[float], points: int = 100) -> list[float]:
    """Return the means of about `points` stretches of the curve, six digits each."""
    stride = max(1, math.ceil(len(curve) / points))
    parts = [curve[start : start + stride] for start in range(0, len(curve), stride)]
    return [float(f"{sum(part) / len(part):.6g}") for part in parts]


def _observed(problem: Problem) -> int:
    mask = problem.process.A.observed()
    assert mask is not None
    return round(float(mask.counts().double().mean()))
