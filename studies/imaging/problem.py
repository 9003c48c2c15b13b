"""A problem of the imaging results: images, and what was measured of them, once and for all.

Each image is measured once, with noise of a fixed seed: no training sees the same image under fresh noise, which
would take the truth to draw. (`ct-again` shows what that costs: there each slice is measured 25 times.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from studies.imaging.image_sets import load, training_subjects
from studies.imaging.settings import images_of, method_of
from unseen.artifacts.recipe import Recipe
from unseen.physics.measurement import Measurement
from unseen.runs.generator_training import Images
from unseen.runs.imaging_settings import group_of, process_of

_NOISE = 1000  # seed of the measurements' noise
_PARTS = ("training", "validation", "testing")


@dataclass(frozen=True, eq=False)
class Measured:
    """One part of the images and what was measured of it.

    Args:
        x: (n, *A.domain), from 0 to 1.
        y: (n, *A.range).
        operators: (n,): which of A's operators each was measured with; None: A is one for all.
    """

    x: Tensor
    y: Tensor
    operators: Tensor | None

    def process_of(self, process: Measurement, rows: slice) -> Measurement:
        """Return the process that made these rows of y."""
        return process if self.operators is None else process.select(self.operators[rows])


class Problem:
    """Problem of a resolved recipe: images, measurement process, settings and group."""

    def __init__(self, recipe: Recipe, *, data: Path | None = None) -> None:
        self.recipe, self.settings = recipe, method_of(recipe)
        view = images_of(recipe)
        self.pictures: Images = load(view, data=data)
        self.process = process_of(self.settings, channels=3 if view.colour else 1, size=self._sides())
        self.subjects = training_subjects(view, data=data)
        self.group = group_of(self.settings, signals=self._sides()[0] == 1)

    @cached_property
    def training(self) -> Measured:
        return self._measured(0)

    @cached_property
    def validation(self) -> Measured:
        return self._measured(1)

    @cached_property
    def testing(self) -> Measured:
        return self._measured(2)

    @property
    def digest(self) -> str:
        """Names images and measurements: SHA-256."""
        y = hashlib.sha256(self.training.y.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
        return f"{self.pictures.digest} {y}"

    def _sides(self) -> tuple[int, int]:
        height, width = self.pictures.training.shape[2:]
        return height, width

    def _measured(self, part: int) -> Measured:
        x = getattr(self.pictures, _PARTS[part])
        generator = torch.Generator().manual_seed(_NOISE + part)
        count = self.process.A.batch
        operators = None if count is None else torch.arange(len(x)) % count
        process = self.process if operators is None else self.process.select(operators)
        x = x.to(torch.complex64) if self.process.A.complex_domain else x
        return Measured(x, process(x, generator=generator), operators)
