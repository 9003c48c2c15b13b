"""Responses of the imaging lab."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from unseen_server.web.study_sentences import sentence

Png = Annotated[str, Field(description="data:image/png;base64,…")]


class SettingResponse(BaseModel):
    """A field of a form."""

    name: str
    words: str
    kind: Literal["number", "whole", "yes", "one of"]
    value: bool | int | float | str
    low: float | None
    high: float | None
    step: float | None
    options: list[str]


class ChoiceResponse(BaseModel):
    """An operator or a noise, with what can be set of it."""

    kind: str
    words: str
    settings: list[SettingResponse] = []


class NamedResponse(BaseModel):
    """Something that is chosen by its name."""

    name: str
    words: str


class LabModelResponse(BaseModel):
    """A model of the collection."""

    key: str
    name: str
    about: str


class LabResponse(BaseModel):
    """Images, operators, noises and methods that the lab offers."""

    pictures: list[NamedResponse]
    sizes: list[int]
    operators: list[ChoiceResponse]
    noises: list[ChoiceResponse]
    groups: list[NamedResponse]
    reconstructors: list[LabModelResponse] = Field(description="whose own operator can be taken")
    generators: list[LabModelResponse]
    shelf: bool = Field(description="whether this server was given a folder of models for the lab")
    refused: list[str] = Field(description="bundles there that cannot be used, and why")
    seconds: float = Field(description="as long as one answer may take")


class SentResponse(BaseModel):
    """An image that was taken in."""

    picture: str
    width: int
    height: int


class MethodResponse(BaseModel):
    """A method that fits a measurement."""

    key: str
    name: str
    family: Literal["direct", "variational", "learnt", "generative"]
    about: str


class MeasuredResponse(BaseModel):
    """An image and its measurement."""

    truth: Png
    measurement: Png
    words: list[str]
    methods: list[MethodResponse]
    left_out: list[str] = Field(description="models that do not fit, and why")


class ResultResponse(BaseModel):
    """Reconstruction by one method; figures are null where there are none."""

    method: MethodResponse
    problem: str = Field(description='why there is no image; "" where there is')
    picture: Png | None = None
    error: Png | None = Field(None, description="|x̂ − x|, from 0 to `brightest`")
    brightest: float | None = None
    psnr: float | None = Field(None, description="dB, white = 1; null also where the image is found exactly")
    exact: bool = False
    ssim: float | None = None
    misfit: float | None = Field(None, description="‖A x̂ − y‖ / ‖y‖")
    hidden: float | None = Field(None, description="the share of the squared error that A hides")
    seconds: float
    words: str = ""


class VerdictResponse(BaseModel):
    """`identify`'s verdict."""

    verdict: Literal["can", "no", "through interpolation only", "not decided"]
    kind: Literal["good", "bad", "warn"]
    reason: str
    report: str = Field(description="line by line")


class GeneratedResponse(BaseModel):
    """An image of a generator."""

    latent: list[float]
    sliders: int = Field(description="how many of the latent's numbers can be moved")
    reach: float = Field(description="of a slider, each way")
    size: int
    picture: Png


class Waiting(BaseModel):
    """There is no answer yet."""

    wait: str = Field(description="why; the same question is to be asked again in a second")


def as_sentence(text: str) -> str:
    """Return a sentence for people, from an error's or a verdict's."""
    return sentence(" ".join(text.split()))
