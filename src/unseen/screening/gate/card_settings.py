"""Settings of an input gate as a card holds them, with their ranges."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Thresholds(BaseModel):
    """Limits of the single checks; see `Gate.thresholds`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True, populate_by_name=True)

    small: float = Field(ge=0, description="pixels of the shorter side")
    blank: Share = Field(description="spread of grey")
    no_lungs: Share = Field(alias="no-lungs", description="share of the film that is lung")
    handling: float = Field(ge=0, description="log-odds; even odds at least")
    mirrored: float = Field(ge=0, description="log-odds; even odds at least")
    lungs: float = Field(gt=0, description="squared distance")
    unlike: float = Field(description="log-odds")


class GateSettings(BaseModel):
    """Everything of a gate except its tensors.

    Example:
        >>> from unseen.artifacts import card_of
        >>> GateSettings.model_validate(card_of("models/pca").gate).normals
        279
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    format: int = Field(ge=1)
    thresholds: Thresholds
    typical: dict[str, Annotated[float, Field(gt=0)]] = Field(description="distances that training films keep to")
    shares: dict[str, Share] = Field(description="of proper films that each check may refuse")
    least_age_years: float | None = Field(ge=0, le=150, description="films of younger patients are refused")
    normals: int = Field(ge=0, description="films that it learnt from")
    seed: int = Field(ge=0, lt=2**63)
