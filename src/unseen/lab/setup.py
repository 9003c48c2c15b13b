"""`Setup`: how a picture is measured, as somebody has set it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from unseen.lab.noises import AnyNoise, GaussianNoise
from unseen.lab.operators import AnyOperator, MaskedPixels
from unseen.lab.settings import Size


class Setup(BaseModel):
    """How a picture is measured.

    With an operator `AsLearnt` the noise is the model's, and `noise` is not read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size = 32
    operator: AnyOperator = MaskedPixels()
    noise: AnyNoise = GaussianNoise()
    seed: int = Field(default=0, ge=0, le=9999, description="of what is drawn: masks, patterns, noise")
