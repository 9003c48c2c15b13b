"""Settings of a training: the section ``[training]`` of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unseen.artifacts.added_setting import added_setting
from unseen.artifacts.errors import UserError
from unseen.artifacts.recipe import mistakes_of


class Training(BaseModel):
    """Settings of the training loop.

    Args:
        **settings: the settings below, by name.

    Raises:
        RecipeError: a setting is unknown or out of bounds.

    >>> Training(epochs=3).batch_size
    32
    >>> Training(epoch=3)
    Traceback (most recent call last):
        ...
    unseen.artifacts.recipe.RecipeError: training.epoch: unknown; did you mean epochs?
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=70, ge=1, le=1_000_000)
    """Passes over the films; 70: the thesis's setting for every detector."""
    batch_size: int = Field(default=32, ge=1, le=65_536, json_schema_extra={"unit": "films"})
    """Films a step; 32: the thesis's setting. A last short batch is left out, unless it is the only one."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Order of films, noise draws and dropout; the caller seeds the networks' first weights."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: forward passes in bfloat16 by autocast, weights and Adam in float32. A GANomaly step takes 0.6 of fp32's
    time on a CPU with AVX512-BF16, but many times as long on one without, where a training warns: hence fp32 unless a
    recipe sets another value."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:[0-9]+)?)$")
    """Device of the training; auto: the first GPU, if there is one."""
    devices: int = added_setting(1, ge=1, le=1024)
    """So many devices of each machine share every batch: GPUs, or processes on the CPU."""
    nodes: int = added_setting(1, ge=1, le=1024)
    """Machines that share every batch."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads of torch while training, in each process; none: as it stands, divided among the processes of a
    machine. The same bytes need the same number."""
    checkpoint_every_s: float = Field(default=60.0, ge=0, json_schema_extra={"unit": "seconds"})
    """Seconds between checkpoints: what a killed run loses at most."""
    checkpoint_every_steps: int | None = Field(default=None, ge=1)
    """A checkpoint after so many steps too; none: by the clock alone."""

    if not TYPE_CHECKING:  # type checkers know the fields by name

        def __init__(self, **settings: Any) -> None:
            try:
                super().__init__(**settings)
            except ValidationError as error:
                raise mistakes_of(error, Training, where="training") from error

    def steps_per_epoch(self, films: int) -> int:
        """Return the number of batches of an epoch: a last short batch is left out, unless it is the only one.

        Args:
            films: number of training films, at least 1.

        Example:
            >>> Training(batch_size=32).steps_per_epoch(100), Training(batch_size=32).steps_per_epoch(20)
            (3, 1)
        """
        return films // min(self.batch_size, films)


class TrainingError(UserError, RuntimeError):
    """A training that cannot start or go on: what was wrong, what was seen, what to do."""
