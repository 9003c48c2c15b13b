"""Settings of an imaging recipe: images, measurement, losses, network; and the objects that they describe."""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field

from unseen.artifacts.added_setting import added_setting
from unseen.losses.backprojection import BackprojectedConsistency, BackprojectedRisk
from unseen.losses.equivariance import Equivariance, RobustEquivariance
from unseen.losses.equivariant_adversarial import EquivariantAdversarial
from unseen.losses.loss import Loss
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.multi_operator import MultiOperator
from unseen.losses.objectives import critic_of
from unseen.losses.recorrupted_equivariance import RecorruptedEquivariance
from unseen.losses.risk import Sure
from unseen.losses.scale_equivariance import ScaleEquivariance
from unseen.losses.supervised import Supervised
from unseen.physics.blur import Blur
from unseen.physics.compressed_sensing import CompressedSensing
from unseen.physics.downsampling import Downsampling
from unseen.physics.fourier_mask import FourierMask
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.group import Group
from unseen.physics.groups.flips import Flips
from unseen.physics.groups.permutations import Permutations
from unseen.physics.groups.rotations import Rotations
from unseen.physics.groups.scalings import Scalings
from unseen.physics.groups.shifts import Shifts
from unseen.physics.measurement import BeerLambert, Measurement
from unseen.physics.noise import Noise
from unseen.physics.operator import Mask, Operator
from unseen.physics.poisson_noise import Poisson, PoissonGaussian
from unseen.physics.sampling_masks import cartesian_sampling
from unseen.physics.single_pixel_camera import SinglePixelCamera
from unseen.physics.tomography import Tomography
from unseen.reconstruction.data_consistency import Consistency

Objective = Literal[
    "mc", "sure", "ei", "rei", "rei-r2r", "supervised", "supervised+ei", "ei+adversarial", "multi-operator", "scales"
]
"""Names of the sums of losses that a recipe can have."""
_MASKS = 0  # seed of random operators
_KERNEL_WIDTHS = 3  # a blur's kernel reaches so many standard deviations
NOISE_STEP = 0.5
"""Finite difference of a backprojected risk, in standard deviations of the noise."""


class ImageSettings(BaseModel):
    """The section ``[view]`` of an imaging recipe: size and channels of the images.

    Example:
        >>> ImageSettings(size=64).number
        100
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: int = Field(default=64, ge=8, le=1024, json_schema_extra={"unit": "pixels"})
    """Side of an image. Images of a folder are cropped to a centred square and averaged down by area."""
    colour: bool = False
    """Three channels; else grey."""
    number: int = Field(default=100, ge=2, le=100_000)
    """Number of phantoms, where no images are given."""


class MeasurementSettings(BaseModel):
    """Settings of a measurement: operator, link and noise.

    Example:
        >>> settings = MeasurementSettings(operator="mask", kept=0.7)
        >>> operator_of(settings, channels=1, size=(16, 16)).range
        (1, 16, 16)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    operator: Literal["mask", "fourier-mask", "tomography", "blur", "downsampling", "single-pixel", "gaussian-matrix"]
    kept: float = Field(default=1.0, gt=0, le=1)
    """Share that is measured: of pixels, of k-space lines, or m/n."""
    operators: int = Field(default=1, ge=1)
    """Number of operators of the type; image i is measured by one of them."""
    real: bool = False
    """True for real images, of which a line of k-space also gives its mirror line; else images are complex."""
    views: int = Field(default=50, ge=1)
    """Number of projections of tomography, over half a turn."""
    factor: int = Field(default=2, ge=2)
    """Factor of downsampling."""
    width: float = Field(default=1.0, gt=0)
    """Standard deviation of the blur's kernel, in pixels."""
    attenuation: float = Field(default=1.0, gt=0)
    """Attenuation by a pixel of value 1 along a ray that crosses it: the unit of the line integrals."""
    photons: float | None = Field(default=None, gt=0)
    """Counts of a detector element without an object, for Beer–Lambert measurements; None: linear measurements."""
    gain: float = Field(default=0.0, ge=0)
    """Gain of the Poisson noise; 0: none."""
    sigma: float = Field(default=0.0, ge=0)
    """Standard deviation of the Gaussian noise, in the measurement's units; 0: none."""


class LossSettings(BaseModel):
    """Settings of the losses.

    Example:
        >>> LossSettings(group="rotations").equivariance
        1.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    group: Literal["shifts", "rotations", "permutations", "flips"] = "shifts"
    compared: Literal["measurements", "pictures"] = "measurements"
    """Space of measurement consistency and of its unbiased estimate: measurements, or backprojected images."""
    fidelity: float = Field(default=1.0, gt=0)
    """Weight of measurement consistency and of its unbiased estimate."""
    equivariance: float = Field(default=1.0, gt=0)
    """α, the weight of equivariance."""
    transforms: int = Field(default=1, ge=1)
    """Transformations of each image in a step."""
    tau: float | None = Field(default=None, gt=0)
    """Finite difference of the risk: in the measurement's units, or, backprojected, in standard deviations of the
    noise; None: by the noise level."""


class ImagingSettings(MeasurementSettings, LossSettings):
    """The section ``[method]`` of an imaging recipe, without its key, which names the reconstructor.

    Example:
        >>> ImagingSettings(operator="tomography", views=20, losses="rei").learning_rate
        0.0005
    """

    losses: Objective = "ei"
    """Sum of losses: mc, sure, ei, rei, rei-r2r (Gaussian noise), supervised, supervised+ei, ei+adversarial,
    multi-operator or scales."""
    start: Literal["auto", "pinv", "fbp", "adjoint"] = "auto"
    """First image of the network; auto: FBP where the operator has one, else A⁺."""
    features: int = Field(default=16, ge=4, le=256)
    """Channels of the network's first level; 64 in the papers on equivariant imaging."""
    depth: int = Field(default=3, ge=1, le=6)
    """Number of times that the network halves the image."""
    iterations: int = Field(default=3, ge=1, le=100)
    """Gradient steps of the reconstructor `unrolled`."""
    consistency: Consistency = "none"
    """project: each image is moved to its measurement, x̂ + λ A⁺(y − A x̂), as far as the noise allows."""
    learning_rate: float = Field(default=5e-4, gt=0, le=1)
    milestone: float = Field(default=0.75, gt=0, le=1)
    """After this share of the epochs the learning rate falls to a tenth."""
    adversary: float = Field(default=1e-8, ge=0)
    """Weight of the adversary of ei+adversarial."""
    hold_out: float | None = added_setting(None, ge=0, lt=1)
    """Share of held-out measurements, whose risk chooses the epoch; None: 0.1 with noise, else 0."""


def process_of(settings: MeasurementSettings, *, channels: int, size: tuple[int, int]) -> Measurement:
    """Return the measurement that the settings describe.

    Args:
        settings: operator, link and noise.
        channels: of an image.
        size: (height, width) of an image, in pixels.

    Example:
        >>> process_of(MeasurementSettings(operator="mask", kept=0.5, sigma=0.1), channels=1, size=(16, 16)).noise
        Gaussian(sigma=0.1)
    """
    return Measurement(
        operator_of(settings, channels=channels, size=size),
        link=None if settings.photons is None else BeerLambert(settings.photons),
        noise=noise_of(settings),
    )


def operator_of(settings: MeasurementSettings, *, channels: int, size: tuple[int, int]) -> Operator:
    """Return A: random ones are drawn from a fixed seed; there is one for each of `operators`.

    Args:
        settings: type of operator and its numbers.
        channels: of an image.
        size: (height, width) of an image, in pixels.

    Example:
        >>> operator_of(MeasurementSettings(operator="single-pixel", kept=0.25), channels=1, size=(16, 16)).range
        (1, 64)
    """
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


def noise_of(settings: MeasurementSettings) -> Noise | None:
    """Return the noise of the measurement; None where there is none.

    Example:
        >>> noise_of(MeasurementSettings(operator="mask")) is None
        True
    """
    if settings.gain and settings.sigma:
        return PoissonGaussian(settings.gain, settings.sigma)
    if settings.gain:
        return Poisson(settings.gain)
    return Gaussian(settings.sigma) if settings.sigma else None


def group_of(settings: LossSettings, *, signals: bool = False) -> Group:
    """Return the transformations of the images; signals of one row are shifted along it.

    Example:
        >>> group_of(LossSettings(group="flips"))
        Flips(horizontal=True, vertical=True)
    """
    if settings.group == "shifts":
        return Shifts(axes=(-1,)) if signals else Shifts()
    groups: dict[str, type[Group]] = {"rotations": Rotations, "permutations": Permutations, "flips": Flips}
    return groups[settings.group]()


def losses_of(
    name: Objective,
    settings: LossSettings,
    process: Measurement,
    *,
    group: Group | None = None,
    adversary: float = 1e-8,
) -> list[Loss]:
    """Return the losses of an objective, with the weights of the settings.

    Args:
        name: of the objective.
        settings: weights, group, and the space in which measurements are compared.
        process: the measurement; without noise, the risk is measurement consistency.
        group: transformations; None: those of the settings.
        adversary: weight of the adversary.

    Raises:
        ValueError: "rei-r2r" of other noise than Gaussian, or compared in images.

    Example:
        >>> from unseen.physics import Identity
        >>> process = Measurement(Identity((1, 16, 16)))
        >>> [type(loss).__name__ for loss in losses_of("supervised+ei", LossSettings(), process)]
        ['Supervised', 'Equivariance']
    """
    s = settings
    G = group_of(s) if group is None else group
    fits: Loss
    risk: Loss
    if s.compared == "pictures":
        fits = BackprojectedConsistency(weight=s.fidelity)
        risk = BackprojectedRisk(s.tau or NOISE_STEP, weight=s.fidelity)
    else:
        fits, risk = MeasurementConsistency(weight=s.fidelity), Sure(s.tau, weight=s.fidelity)
    if process.noise is None:
        risk = fits
    if name == "rei-r2r":
        if not isinstance(process.noise, Gaussian) or s.compared == "pictures":
            raise ValueError('losses = "rei-r2r" compares measurements of Gaussian noise; take "rei" in its place.')
        return [
            RecorruptedEquivariance(G, alpha=s.equivariance / s.fidelity, transforms=s.transforms, weight=s.fidelity)
        ]
    if name == "ei+adversarial":
        equivariant = Equivariance(G, transforms=s.transforms, weight=s.equivariance)
        return [fits, equivariant, EquivariantAdversarial(G, critic_of(process), weight=adversary)]
    losses: dict[str, list[Loss]] = {
        "mc": [fits],
        "sure": [risk],
        "ei": [fits, Equivariance(G, transforms=s.transforms, weight=s.equivariance)],
        "rei": [risk, RobustEquivariance(G, transforms=s.transforms, weight=s.equivariance)],
        "supervised": [Supervised()],
        "supervised+ei": [Supervised(), Equivariance(G, transforms=s.transforms, weight=s.equivariance)],
        "multi-operator": [risk, MultiOperator(weight=s.equivariance)],
        "scales": [risk, ScaleEquivariance(Scalings(), weight=s.equivariance)],
    }
    return losses[name]
