"""The questions on learning from measurements alone: distribution shift, sample complexity, approximate dimension.

All networks of a question have the same size, the same steps and the same learning rate, which was chosen on no image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from studies.imaging.published import EI_INPAINTING
from studies.imaging.spent import Spent
from studies.outlook.images import digits, inpainting, near_waves, random_sums, shapes
from studies.outlook.rows import psnr_of, row_of, run_of, training_facts
from studies.rows import Row
from unseen.losses.equivariance import Equivariance
from unseen.losses.loss import Loss
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.physics.groups.shifts import Shifts
from unseen.physics.measurement import Measurement
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.learning import learn
from unseen.reconstruction.reconstructor import Reconstructor, starting_image
from unseen.training.settings import Training

NUMBERS = (10, 30, 100, 300)
"""Measurements that are learnt from; the arm `ei-digits` of `shift` learns from 600."""
DISTANCES = (0.0, 0.03, 0.1, 0.3)
"""Root mean square of what is outside the set of low dimension, as a share of the signals'."""
_FEATURES, _BATCH, _RATE = 8, 8, 1e-3
_WIDE_RATE = 5e-4  # the default of `learn`: at 1e-3 the wider networks of `studies.curves` diverged
STEPS = 300
OF_THE_SOURCE = "-source"
"""Ending of a question whose trainings have the steps, features and transforms of EI's inpainting."""
ADAPTED = 150
"""Steps of the adaptation to the measurements of another set."""


@dataclass(frozen=True)
class Task:
    """A training: what is learnt, from what, and where it is tested.

    Args:
        question: A name of `studies.outlook`.
        arm: Its name in rows.
        process: What measures.
        images: (n, *A.domain), which are measured to be learnt from.
        tested: (n, *A.domain).
        losses: Of `learn`.
        depth: Times that the network halves the image.
        steps: Of the optimiser.
        begins: Training whose network is the first one; None: a new network.
        facts: Further entries of the row.
        features: Channels of the network's first layer.
        transforms: Of the group, for each image.
        learning_rate: Of Adam.
    """

    question: str
    arm: str
    process: Measurement
    images: Tensor
    tested: Tensor
    losses: str
    depth: int = 2
    steps: int = STEPS
    begins: Task | None = None
    facts: Mapping[str, object] | None = None
    features: int = _FEATURES
    transforms: int = 1
    learning_rate: float = _RATE

    @property
    def settings(self) -> dict[str, object]:
        """Settings that identify the training."""
        return {
            "losses": self.losses,
            "group": "shifts" if self.losses == "ei" else None,
            "features": self.features,
            "depth": self.depth,
            "batch_size": min(_BATCH, len(self.images)),
            "learning_rate": self.learning_rate,
            "steps_asked": self.steps,
            "images": len(self.images),
            "begins_with": None if self.begins is None else self.begins.arm,
            "transforms": self.transforms,
        }


def at_the_source(task: Task) -> Task:
    """Return a training with the steps, features and transforms of EI's inpainting, under the question's longer name.

    What it begins with is trained as long; an adaptation keeps its share of the steps.
    """
    return replace(
        task,
        question=task.question + OF_THE_SOURCE,
        steps=task.steps * EI_INPAINTING.steps // STEPS,
        features=EI_INPAINTING.features,
        transforms=EI_INPAINTING.transforms,
        learning_rate=_WIDE_RATE,
        begins=None if task.begins is None else at_the_source(task.begins),
    )


def trained(task: Task, seed: int) -> tuple[Reconstructor, dict[str, object]]:
    """Train, or go on, or find it trained: the network, and what its row keeps."""
    digest, run = run_of(task.question, task.arm, seed, task.settings)
    spent = Spent(run.folder / "spent.json")
    batch = min(_BATCH, len(task.images))
    epochs = max(1, round(task.steps / (len(task.images) // batch)))
    if task.begins is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network: Reconstructor = ArtifactRemoval.for_process(task.process, features=task.features, depth=task.depth)
    else:
        network, _ = trained(task.begins, seed)
    f = learn(
        task.process(task.images),
        task.process,
        losses=_losses(task),
        group="shifts" if task.losses == "ei" and task.transforms == 1 else None,
        truth=task.images if task.losses == "supervised" else None,
        network=network,
        training=Training(epochs=epochs, batch_size=batch, seed=seed, precision="fp32", threads=1),
        learning_rate=task.learning_rate,
        milestones=[max(1, (3 * epochs) // 4)],
        folder=run.folder,
        progress=lambda _: spent.step(),
    )
    assert f.history is not None
    return f, training_facts(digest, f.history, spent, features=task.features)


def _losses(task: Task) -> str | list[Loss]:
    """Return the losses of a training: by name, or EI's with several transforms."""
    if task.losses == "ei" and task.transforms > 1:
        return [MeasurementConsistency(), Equivariance(Shifts(), transforms=task.transforms)]
    return task.losses


def row_of_task(task: Task, seed: int) -> Row:
    """Train and test: the row."""
    f, facts = trained(task, seed)
    with torch.no_grad():
        found = f(task.process(task.tested), task.process)
    return row_of(
        task.question,
        task.arm,
        seed=seed,
        settings=task.settings,
        by_picture={"psnr": psnr_of(found, task.tested)},
        n={"trained": len(task.images), "tested": len(task.tested)},
        facts={**(task.facts or {}), **facts},
    )


def untrained(question: str, arm: str, process: Measurement, tested: Tensor, facts: Mapping[str, object]) -> Row:
    """Return the row of A†."""
    found = starting_image(process(tested), process, "auto")
    return row_of(
        question,
        arm,
        seed=0,
        settings={},
        by_picture={"psnr": psnr_of(found, tested)},
        n={"trained": 0, "tested": len(tested)},
        facts=facts,
    )


def shift(data: Path | None = None) -> tuple[list[Row], list[Task]]:
    """Return rows and trainings of the distribution shift: every arm is tested on digits."""
    process, (known, tested) = inpainting(), digits(data)
    others = shapes(len(known))
    elsewhere = Task("shift", "supervised-shapes", process, others, tested, "supervised")
    return [untrained("shift", "direct", process, tested, {})], [
        elsewhere,
        Task("shift", "ei-digits", process, known, tested, "ei"),
        Task("shift", "adapted", process, known, tested, "ei", steps=ADAPTED, begins=elsewhere),
        Task("shift", "supervised-digits", process, known, tested, "supervised"),
    ]


def samples(data: Path | None = None) -> tuple[list[Row], list[Task]]:
    """Return the trainings of the sample complexity: EI from the first n measurements of digits.

    A†, EI with all measurements and the supervised network are the arms of `shift`.
    """
    process, (known, tested) = inpainting(), digits(data)
    return [], [Task("samples", f"ei-{number}", process, known[:number], tested, "ei") for number in NUMBERS]


def dimension(data: Path | None = None) -> tuple[list[Row], list[Task]]:
    """Return rows and trainings of signals at several distances from a set of dimension 6."""
    del data
    process, rows, tasks = random_sums(), [], []
    for distance in DISTANCES:
        known, tested, added = near_waves(distance)
        facts = {"distance": distance, "added_rms": float(f"{float(added):.6g}")}
        rows.append(untrained("dimension", f"direct-{distance:g}", process, tested, facts))
        tasks.append(Task("dimension", f"ei-{distance:g}", process, known, tested, "ei", depth=3, facts=facts))
    return rows, tasks


QUESTIONS: dict[str, Callable[[Path | None], tuple[list[Row], list[Task]]]] = {
    "shift": shift,
    "samples": samples,
    "dimension": dimension,
}


def learnt(question: str, seeds: tuple[int, ...], *, data: Path | None = None) -> Iterator[Row]:
    """Yield the rows of a question as they are there, seed by seed."""
    rows, tasks = QUESTIONS[question](data)
    yield from rows
    for seed in seeds:
        for task in tasks:
            yield row_of_task(task, seed)
