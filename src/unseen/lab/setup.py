"""Setup of a measurement in the lab: operator, noise and seed, as the user has set them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from unseen.lab.noises import AnyNoise, GaussianNoise
from unseen.lab.operators import AnyOperator, MaskedPixels
from unseen.lab.settings import Size


class Setup(BaseModel):
    """Setup of a measurement.

    With an operator `AsLearnt` the noise is the model's, and `noise` is not read.

    >>> Setup().operator.kind, Setup().noise.level
    ('mask', 0.02)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size = Field(default=32, description="side of the image", json_schema_extra={"unit": "pixels"})
    operator: AnyOperator = MaskedPixels()
    """Measurement: missing pixels, frequencies, projections, a blurred or a smaller image, or a model's own."""
    noise: AnyNoise = GaussianNoise()
    """None, Gaussian or of photons."""
    seed: int = Field(default=0, ge=0, le=9999, description="of what is drawn: masks, patterns, noise")
