"""Settings in a recipe of the imaging results: images, measurement, and the methods that are tried."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from unseen.artifacts.recipe import Recipe, validated
from unseen.runs.imaging_settings import LossSettings, MeasurementSettings
from unseen.training.settings import Training

Arm = Literal[
    "direct",
    "tv",
    "mc",
    "sure",
    "ei",
    "ei-projected",
    "ei+project",
    "rei",
    "supervised",
    "supervised+ei",
    "ei+adversarial",
    "multi-operator",
    "multi-operator+project",
    "multi-operator+project+stopped",
    "scales",
    "unrolled",
    "unrolled+project",
    "unrolled+project+stopped",
]


class ImageSetSettings(BaseModel):
    """The section ``[view]``: which images, and how many pixels they have."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pictures: Literal["ct", "ct-again", "mri", "urban", "digits", "digits-6000", "triangles", "sparse"]
    size: int = Field(ge=8, le=1024)
    """Pixels a side; averaged down from the originals by area."""
    colour: bool = False
    """Three channels; else grey."""
    limit: int | None = Field(default=None, ge=2)
    """So many training images at most; none: all."""


class MethodSettings(MeasurementSettings, LossSettings):
    """The section ``[method]``: measurement, network, and the weights of the losses."""

    title: str
    """Title of the problem on the page."""
    papers: dict[str, float] = Field(default={})
    """PSNRs that the papers print for arms, in dB, on other images and with longer trainings."""
    arms: tuple[Arm, ...]
    """Arms that are compared, one row each."""
    gap: tuple[Arm, Arm] | None = None
    """(method, baseline): how much of the way from the baseline's PSNR to the supervised one the method goes."""

    start: Literal["auto", "pinv", "fbp", "adjoint"] = "auto"
    features: int = Field(default=24, ge=4)
    depth: int = Field(default=3, ge=1)
    learning_rates: tuple[float, ...] = (3e-4, 1e-3)
    """The grid: the one with the best validation PSNR of the supervised arm serves every arm."""
    tuning_epochs: int = Field(default=30, ge=1)
    """Epochs for which each learning rate of the grid is tried, at most the training's epochs."""
    milestone: float = Field(default=0.75, gt=0, le=1)
    """After this share of the epochs the learning rate falls to a tenth."""


SAYS_NOTHING_OF_A_TRAINING = ("title", "papers", "arms", "gap", "learning_rates", "tuning_epochs")
"""Settings that may change without any training becoming another."""


def resolved(recipe: Recipe) -> Recipe:
    """Return the recipe with every default written out. Raises RecipeError, one sentence a mistake."""
    return recipe.resolved(method=MethodSettings, view=ImageSetSettings, training=Training)


def method_of(recipe: Recipe) -> MethodSettings:
    """Return the section ``[method]``, checked."""
    return validated(recipe.method.settings, MethodSettings, where="method")


def images_of(recipe: Recipe) -> ImageSetSettings:
    """Return the section ``[view]``, checked."""
    return validated(recipe.view, ImageSetSettings, where="view")


def training_of(recipe: Recipe) -> Training:
    """Return the section ``[training]``, checked."""
    return validated(recipe.training, Training, where="training")
