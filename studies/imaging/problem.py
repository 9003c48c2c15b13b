"""A problem of the imaging results: images, and what was measured of them, once and for all.

Each image is measured once, with noise of a fixed seed: no training sees the same image under fresh noise, which
would take the truth to draw. (`ct-again` shows what that costs: there each slice is measured 25 times.)
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from studies.imaging.image_sets import load, training_subjects
from studies.imaging.settings import MethodSettings, images_of, method_of
from unseen.artifacts.recipe import Recipe
from unseen.physics.blur import Blur
from unseen.physics.compressed_sensing import CompressedSensing
from unseen.physics.downsampling import Downsampling
from unseen.physics.fourier_mask import FourierMask
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.group import Group
from unseen.physics.groups.flips import Flips
from unseen.physics.groups.permutations import Permutations
from unseen.physics.groups.rotations import Rotations
from unseen.physics.groups.shifts import Shifts
from unseen.physics.measurement import BeerLambert, Measurement
from unseen.physics.noise import Noise
from unseen.physics.operator import Mask, Operator
from unseen.physics.poisson_noise import Poisson, PoissonGaussian
from unseen.physics.sampling_masks import cartesian_sampling
from unseen.physics.single_pixel_camera import SinglePixelCamera
from unseen.physics.tomography import Tomography
from unseen.runs.generator_training import Images

_MASKS, _NOISE = 0, 1000  # seeds of what is drawn once: the operators, and the measurements' noise
_PARTS = ("training", "validation", "testing")
_KERNEL_WIDTHS = 3  # a blur's kernel reaches so many standard deviations


@dataclass(frozen=True, eq=False)
class Measured:
    """One part of the images and what was measured of it.

    x          (n, *A.domain), from 0 to 1
    y          (n, *A.range)
    operators  (n,): which of A's operators each was measured with; None: A is one for all
    """

    x: Tensor
    y: Tensor
    operators: Tensor | None

    def process_of(self, process: Measurement, rows: slice) -> Measurement:
        """The process that made these rows of y."""
        return process if self.operators is None else process.select(self.operators[rows])


class Problem:
    """What a resolved recipe is about."""

    def __init__(self, recipe: Recipe, *, data: Path | None = None) -> None:
        self.recipe, self.settings = recipe, method_of(recipe)
        view = images_of(recipe)
        self.pictures: Images = load(view, data=data)
        self.process = Measurement(
            operator_of(self.settings, channels=3 if view.colour else 1, size=self._sides()),
            link=None if self.settings.photons is None else BeerLambert(self.settings.photons),
            noise=noise_of(self.settings),
        )
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


def operator_of(settings: MethodSettings, *, channels: int, size: tuple[int, int]) -> Operator:
    """A, drawn from a fixed seed where it is drawn at all; one for each of `operators` where there are several."""
    generator = torch.Generator().manual_seed(_MASKS)
    kind, count = settings.operator, settings.operators
    measured = max(1, round(settings.kept * math.prod(size)))
    if kind == "mask":
        masks = torch.stack([torch.rand(size, generator=generator) < settings.kept for _ in range(count)])
        return Mask(masks[:, None] if count > 1 else masks[0], channels=channels)
    if kind == "fourier-mask":
        masks = torch.stack([cartesian_sampling(size, 1 / settings.kept, generator=generator) for _ in range(count)])
        return FourierMask(masks[:, None] if count > 1 else masks[0], real=settings.real)
    if kind == "tomography":
        return Tomography(size[0], settings.views, channels=channels, pixel_size=settings.attenuation)
    if kind == "blur":
        reach = math.ceil(_KERNEL_WIDTHS * settings.width)
        line = torch.exp(-(torch.arange(-reach, reach + 1).double() ** 2) / (2 * settings.width**2))
        return Blur(size, torch.outer(line, line) / line.sum() ** 2, channels=channels)
    if kind == "downsampling":
        return Downsampling(size, settings.factor, channels=channels)
    if kind == "single-pixel":
        return SinglePixelCamera(size, measured, channels=channels, patterns="scrambled")
    return CompressedSensing(size, measured, channels=channels)


def noise_of(settings: MethodSettings) -> Noise | None:
    """The noise of the measurement; None where there is none."""
    if settings.gain and settings.sigma:
        return PoissonGaussian(settings.gain, settings.sigma)
    if settings.gain:
        return Poisson(settings.gain)
    return Gaussian(settings.sigma) if settings.sigma else None


def group_of(settings: MethodSettings, *, signals: bool = False) -> Group:
    """What the images may undergo; signals of one row are shifted along it."""
    if settings.group == "shifts":
        return Shifts(axes=(-1,)) if signals else Shifts()
    groups: dict[str, type[Group]] = {"rotations": Rotations, "permutations": Permutations, "flips": Flips}
    return groups[settings.group]()
