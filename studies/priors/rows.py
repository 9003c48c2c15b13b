"""Rows of methods, `priors/<problem>-<level>-<method>-0` in `studies/results/priors.jsonl`: figures of each test
image."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import torch
from torch import Tensor

from studies.priors.comparing import GRIDS, Effort, Outcome, errors_in_db
from studies.priors.problems import Measured, Problem
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.psnr_ssim import psnr, ssim
from unseen.runs.generator_training import TrainedRun

SEED = 0


def row_of(
    problem: Problem,
    level: str,
    outcome: Outcome,
    test: Measured,
    units: tuple[int, ...],
    *,
    split: str,
    effort: Effort,
    trained: TrainedRun | None,
) -> Row:
    """Return the row of what one method made of the test images; `units` are their subjects."""
    by_picture = {"psnr": _listed(psnr(outcome.x, test.x)), "ssim": _listed(ssim(outcome.x, test.x))}
    if outcome.oracle is not None:
        by_picture["psnr_oracle"] = errors_in_db(outcome.oracle)
    return {
        "recipe": f"priors/{name_of(problem.name, level, outcome.method, outcome.generator)}",
        "problem": problem.name,
        "level": level,
        "method": outcome.method,
        "generator": outcome.generator,
        "seed": SEED,
        "operator": problem.levels[level].model_dump(),
        "noise": problem.noise,
        "sigma": test.sigma,
        "effort": asdict(effort),
        **_choice(outcome),
        **_generator(trained),
        "n": {"tested": len(test.x), "units": len(set(units)), "split": split},
        "metrics": {name: mean_of(values, units).to_json() for name, values in by_picture.items()},
        "by_picture": by_picture,
        "units": list(units),
        "converged": outcome.done,
        "seconds": round(outcome.seconds, 1),
        "device": f"cpu ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def name_of(problem: str, level: str, method: str, generator: str) -> str:
    """Return a file's name.

    >>> name_of("digits-deblurring", "σ = 2 pixels", "range", "vae")
    'digits-deblurring-2-pixels-range-vae'
    """
    words = [problem, *re.findall(r"[a-z0-9]+", level), method, generator]
    return "-".join(word for word in words if word)


def _choice(outcome: Outcome) -> Mapping[str, object]:
    if outcome.chosen is None:
        return {}
    reached = errors_in_db(outcome.chosen.errors.mean(1))
    return {
        "weight": outcome.chosen.best,
        "weights_tried": {f"{weight:g}": value for weight, value in zip(GRIDS[outcome.method], reached, strict=True)},
    }


def _generator(trained: TrainedRun | None) -> Mapping[str, object]:
    if trained is None:
        return {}
    card = trained.G.card
    return {
        "trained_by": trained.recipe.name,
        "recipe_digest": None if card is None else card.recipe_digest,
        "training": trained.recipe.training,
        "trained_seconds": None if card is None else card.facts.get("training_seconds"),
        **dict(trained.metrics),
    }


def _listed(values: Tensor) -> list[float]:
    return [round(float(value), 4) for value in values]
