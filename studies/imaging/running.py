"""One arm of one problem at one seed: train it, or go on, or find it trained; reconstruct the test images; the row.

Nothing is chosen on test images. Where there is noise, measurements held out stop every arm (`learn`'s default); how
its images of the test measurements fared at each epoch is recorded beside, to see what the stopping costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from studies.imaging.arms import LOSS_SETTINGS, NETWORKS, PROJECTED, READ_BY, STOPPED, WITH_TRUTH, losses_of
from studies.imaging.problem import Measured, Problem
from studies.imaging.settings import SAYS_NOTHING_OF_A_TRAINING, Arm, training_of
from studies.imaging.spent import Spent
from unseen import __version__
from unseen.artifacts.recipe import digest
from unseen.artifacts.run_folder import Run
from unseen.evaluation.psnr_ssim import psnr
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.data_consistency import Consistency
from unseen.reconstruction.learning import learn
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.reconstruction.unrolled import Unrolled
from unseen.training.history import History
from unseen.training.progress import Progress

Report = Callable[[str, Progress], None]

_BATCH = 8  # images reconstructed at a time
HELD_OUT = 0.1  # of the measurements, with noise or in arms of `STOPPED`: `learn`'s default, which names a training
_VALIDATIONS = 60  # at least, or one an epoch


@dataclass(frozen=True)
class Trained:
    """A finished training: f, its losses and validation curve, its processor time."""

    f: Reconstructor
    history: History
    run: Run
    digest: str
    learning_rate: float
    cpu_s: float
    weights: int


def train_arm(
    problem: Problem,
    arm: Arm,
    *,
    seed: int,
    learning_rate: float,
    epochs: int | None = None,
    root: Path | None = None,
    progress: Report | None = None,
    validate: Callable[[Reconstructor, int], Mapping[str, float]] | None = None,
) -> Trained:
    """Train an arm, or go on with it, or find it trained; for other epochs than the recipe's where they are given.

    `validate` is called after each epoch; None: the PSNR on validation and test images is measured now and then.
    """
    arm = NETWORKS.get(arm, arm)
    name, run = run_of(problem, arm, seed=seed, learning_rate=learning_rate, epochs=epochs, root=root)
    run.write_recipe(problem.recipe)
    training = training_of(problem.recipe).model_copy(update={"seed": seed})
    if epochs is not None:
        training = training.model_copy(update={"epochs": epochs})
    spent = Spent(run.folder / "spent.json")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind = Unrolled if PROJECTED.get(arm, arm) == "unrolled" else ArtifactRemoval
        network = kind.for_process(
            problem.process,
            start=problem.settings.start,
            features=problem.settings.features,
            depth=problem.settings.depth,
            consistency="project" if arm in PROJECTED else "none",
        )
    measured = problem.training

    def after_step(done: Progress) -> None:
        spent.step()
        if progress is not None:
            progress(f"{problem.recipe.name}-{arm}-{seed}", done)

    f = learn(
        measured.y,
        problem.process,
        losses=losses_of(arm, problem),
        truth=measured.x if arm in WITH_TRUTH else None,
        operators=measured.operators,
        hold_out=HELD_OUT if arm in STOPPED else None,
        subjects=problem.subjects,
        network=network,
        training=training,
        learning_rate=learning_rate,
        milestones=[max(1, math.ceil(problem.settings.milestone * training.epochs))],
        folder=run.folder,
        validate=validate
        or _on_validation(problem, every=max(1, training.epochs // _VALIDATIONS), epochs=training.epochs),
        progress=after_step,
    )
    assert f.history is not None
    weights = sum(weight.numel() for weight in f.parameters())
    return Trained(f, f.history, run, name, learning_rate, spent.total_s(), weights)


def run_of(
    problem: Problem,
    arm: Arm,
    *,
    seed: int,
    learning_rate: float,
    epochs: int | None = None,
    root: Path | None = None,
) -> tuple[str, Run]:
    """Return the digest that names a training, and where it lies."""
    said = f"{problem.digest} {arm} {learning_rate} held out {HELD_OUT}" + (
        f" {epochs} epochs" if epochs is not None else ""
    )
    method = problem.recipe.method
    unread = {*SAYS_NOTHING_OF_A_TRAINING, *LOSS_SETTINGS} - set(READ_BY[arm])
    shared = {key: value for key, value in method.settings.items() if key not in unread}
    plain = problem.recipe.model_copy(update={"method": method.model_copy(update={"settings": shared}), "seed": seed})
    name = digest(plain, data_digest=said, version=__version__)
    return name, Run.named(f"{problem.recipe.name}-{arm}", fold=None, seed=seed, digest=name, root=root)


def reconstructed(
    f: Reconstructor, measured: Measured, problem: Problem, *, consistency: Consistency | None = None
) -> Tensor:
    """x̂ of every measurement of a part: (n, *A.domain); as the network's settings say where `consistency` is None."""
    found: list[Tensor] = []
    with torch.no_grad():
        for start in range(0, len(measured.y), _BATCH):
            rows = slice(start, start + _BATCH)
            found.append(f(measured.y[rows], measured.process_of(problem.process, rows), consistency=consistency))
    return torch.cat(found)


def _on_validation(problem: Problem, *, every: int, epochs: int) -> Callable[[Reconstructor, int], Mapping[str, float]]:
    """Return the mean PSNR on validation and on test images, after some epochs and the last; NaN after the others."""

    def measure(f: Reconstructor, done: int) -> Mapping[str, float]:
        parts = {"psnr": problem.validation, "test psnr": problem.testing}
        if done % every and done != epochs:
            return dict.fromkeys(parts, math.nan)
        return {name: float(psnr(reconstructed(f, part, problem), part.x).mean()) for name, part in parts.items()}

    return measure
