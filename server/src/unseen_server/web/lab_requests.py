"""Requests to the imaging lab."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from unseen.lab import Setup
from unseen_server.web.request_model import RequestModel

_MOST_LATENT = 4096


class _Asked(RequestModel):
    model_config = ConfigDict(allow_inf_nan=False)


class MadePicture(_Asked):
    """An image made on the spot; each number is another one."""

    kind: Literal["made"] = "made"
    name: str = Field("head", max_length=40, pattern="^[a-z-]+$")
    number: int = Field(0, ge=0, le=9999)


class SentPicture(_Asked):
    """An image that was sent to `/lab/pictures`."""

    kind: Literal["sent"]
    picture: str = Field(pattern="^p-[0-9a-f]{24}$")


class GeneratedPicture(_Asked):
    """An image of a generator."""

    kind: Literal["generated"]
    generator: str = Field(max_length=64)
    latent: list[float] = Field(max_length=_MOST_LATENT)


AnyPicture = Annotated[MadePicture | SentPicture | GeneratedPicture, Field(discriminator="kind")]


class ToMeasure(_Asked):
    """An image and how it is measured."""

    picture: AnyPicture = MadePicture()
    setup: Setup = Setup()


class ToReconstruct(ToMeasure):
    """And the method that is to be tried on it."""

    method: str = Field(max_length=100)


class ToCode(ToMeasure):
    """A figure that is wanted as Python."""

    figure: Literal["measurement", "reconstructions", "generated"] = "measurement"
    methods: list[Annotated[str, Field(pattern=r"^[\w:.-]{1,100}$")]] = Field([], max_length=50)


class ToJudge(_Asked):
    """An operator and what images may undergo."""

    setup: Setup = Setup()
    group: str = Field("shifts", max_length=40)


class ToGenerate(_Asked):
    """A generator, and a latent; without one it is drawn."""

    generator: str = Field(max_length=64)
    latent: list[float] | None = Field(None, max_length=_MOST_LATENT)
    number: int = Field(0, ge=0, le=9999, description="which latent is drawn")
