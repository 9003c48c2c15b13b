"""Points of a curve of PSNR against steps, as rows `curves/<problem>-<px>-ei-<steps>-<seed>`.

One training gives all points of its curve: after 1, 2, 4, … epochs and after the last, the reconstructor is evaluated
on the validation and test images. The learning rate is the one that the problem's recipe of `imaging/` chose on its
validation images, except for inpainting: the choice of 1e-3, from short trainings with 16 features, did not hold for
32 features, where the training diverged, so its recipes have 5e-4, the default of `learn`. The rate falls to a tenth
after the share of the epochs that the recipe names (`milestone`), else after three quarters. Nothing is chosen on test
images, and no point is left out: the points of the diverged training have names of their own (`DIVERGED`).
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from studies import recipe_files as recipes
from studies.imaging.arms import directly
from studies.imaging.problem import Problem
from studies.imaging.rows import processor, row_of
from studies.imaging.running import HELD_OUT, Report, reconstructed, run_of, train_arm
from studies.imaging.settings import Arm, method_of, resolved, training_of
from studies.imaging.variation import by_variation
from studies.rows import Row
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.psnr_ssim import psnr
from unseen.reconstruction.held_out import held_rows
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.training.history import History
from unseen.training.progress import Progress
from unseen.training.settings import TrainingError

PREFIX = "curves/"
ARM: Arm = "ei"
DIVERGED = "-1e-3"
"""Ending of a curve's name where its training diverged at a rate of 1e-3, which its recipe no longer has."""
THREE_QUARTERS = 0.75
"""Default of a recipe's `milestone`, which rows from before it was a fact of them have."""
GROWTH = 10.0
"""A loss above so many times that of the first step ends a training; EI's losses without noise only fall below it."""


def names(px: int | None = None) -> list[str]:
    """Return the names of the recipes, of all sizes or of one."""
    ending = "" if px is None else f"-{px}"
    return [name for name in recipes.names() if name.startswith(PREFIX) and name.endswith(ending)]


def points_of(epochs: int, milestone: float = THREE_QUARTERS) -> list[int]:
    """Return the epochs after which a training is evaluated: powers of two, the fall of the learning rate, the last.

    >>> points_of(100), points_of(100, 0.688)
    ([1, 2, 4, 8, 16, 32, 64, 75, 100], [1, 2, 4, 8, 16, 32, 64, 69, 100])
    """
    powers = [2**power for power in range(epochs.bit_length()) if 2**power < epochs]
    return sorted({*powers, math.ceil(milestone * epochs), epochs})


def references(recipe: Recipe) -> Iterator[Row]:
    """Yield the rows of what needs no training: A† and total variation, at the curve's size."""
    problem = Problem(recipe)
    found = directly(problem.testing.y, problem, problem.testing.operators)
    yield row_of(problem, "direct", found, seed=0, facts={})
    found, facts = by_variation(problem)
    yield row_of(problem, "tv", found, seed=0, facts=facts)


def trained(
    recipe: Recipe,
    *,
    seed: int,
    keep: Callable[[Row], object],
    arm: Arm = ARM,
    root: Path | None = None,
    progress: Report | None = None,
) -> None:
    """Train a curve, or resume it, and hand each point's row to `keep` as soon as it is there.

    Args:
        recipe: resolved.
        seed: of the training.
        keep: is called with each row.
        arm: what is trained.
        root: folder of the runs; None: `$UNSEEN_RUNS`.
        progress: called after each step.

    Raises:
        RunStopped: the time of the run's limits is up; the next call resumes.
        TrainingError: the loss has grown above `GROWTH` times that of the first step; the next call raises it again.
    """
    problem = Problem(recipe)
    rate = method_of(recipe).learning_rates[0]
    training = training_of(recipe)
    digest, run = run_of(problem, arm, seed=seed, learning_rate=rate, root=root)
    number = len(problem.training.y)
    if problem.process.noise is not None:  # as `learn` does, where there is noise
        number -= int(held_rows(number, HELD_OUT, problem.subjects, seed=seed).sum())
    per_epoch = max(1, number // training.batch_size)
    milestone = problem.settings.milestone
    points = set(points_of(training.epochs, milestone))

    def validate(f: Reconstructor, epoch: int) -> Mapping[str, float]:
        if epoch not in points:
            return {"psnr": math.nan}
        validated = float(psnr(reconstructed(f, problem.validation, problem), problem.validation.x).mean())
        facts = {
            "recipe_digest": digest,
            "features": problem.settings.features,
            "weights": sum(weight.numel() for weight in f.parameters()),
            "device": f"{next(f.parameters()).device.type} ({platform.machine()}), {training.threads} thread(s)",
            "machine": processor(),
            "learning_rate": rate,
            "epochs_of_training": training.epochs,
            "milestone": milestone,
            "epoch": epoch,
            "steps": epoch * per_epoch,
            "cpu_seconds": _spent(run.folder),
            "validation_psnr": round(validated, 3),
        }
        row = row_of(problem, arm, reconstructed(f, problem.testing, problem), seed=seed, facts=facts)
        keep(row | {"recipe": f"{row['recipe']}-{epoch * per_epoch}"})
        return {"psnr": validated}

    train_arm(
        problem,
        arm,
        seed=seed,
        learning_rate=rate,
        root=root,
        progress=bounded(progress, first=_first_loss(run.folder), rate=rate),
        validate=validate,
    )


def bounded(progress: Report | None, *, first: float | None, rate: float) -> Report:
    """Return `progress`, with an error where the loss has grown above `GROWTH` times that of the first step.

    Args:
        progress: called after each step; None: no display.
        first: loss of the training's first step; None: that of the first step reported.
        rate: learning rate, for the error's text.
    """
    start = first

    def checked(name: str, done: Progress) -> None:
        nonlocal start
        loss = done.losses["loss"]
        start = loss if start is None else start
        if loss > GROWTH * start > 0:  # an estimated risk may begin below 0
            raise TrainingError(
                f"{name}: the loss grew from {start:.3g} in the first step to {loss:.3g} in step {done.step:,} at a "
                f"learning rate of {rate:g}. Lower `learning_rates` in the recipe"
            )
        if progress is not None:
            progress(name, done)

    return checked


def _first_loss(folder: Path) -> float | None:
    """Return the loss of a training's first step, from its log; None where it has none yet."""
    path = folder / "log.csv"
    return History.from_log(path).parts["loss"][0] if path.is_file() and path.stat().st_size else None


def recipe_of(name: str) -> Recipe:
    """Return a curve's resolved recipe; the prefix may be left out."""
    return resolved(recipes.load(name if name.startswith(PREFIX) else PREFIX + name))


def steps_of(row: Row) -> int:
    """Return the steps of a point."""
    return int(row["steps"])


def _spent(folder: Path) -> float | None:
    """Return the processor seconds that the training has used, within the 20 s between their writes."""
    path = folder / "spent.json"
    return round(sum(json.loads(path.read_text(encoding="utf-8"))), 1) if path.is_file() else None
