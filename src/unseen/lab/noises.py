"""Noises of the lab, each with its level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from unseen.lab.settings import Choice

if TYPE_CHECKING:
    from torch import Tensor

    from unseen.physics.noise import Noise
    from unseen.physics.operator import Operator

_STEP: dict[str, Any] = {"step": 0.005}  # Any: as pydantic types it


class Noiseless(Choice):
    """y = A x."""

    words = "none"
    kind: Literal["none"] = "none"

    def noise(self, A: Operator, u: Tensor) -> Noise | None:
        return None


class GaussianNoise(Choice):
    """y = A x + level · ‖A‖ · n, n ~ N(0, I): the level means the same for every operator, as with ‖A‖ = 1."""

    words = "Gaussian"
    kind: Literal["gaussian"] = "gaussian"
    level: float = Field(0.02, ge=0, le=0.5, description="σ, where ‖A‖ = 1 and white = 1", json_schema_extra=_STEP)

    def noise(self, A: Operator, u: Tensor) -> Noise | None:
        from unseen.physics.gaussian_noise import Gaussian

        return Gaussian(self.level * A.norm()) if self.level else None


class PhotonNoise(Choice):
    """y = gain · Poisson(A x / gain), with so many photons in the brightest measurement."""

    words = "photon counts (Poisson)"
    kind: Literal["photons"] = "photons"
    photons: int = Field(1000, ge=1, le=1_000_000, description="photons where A x is brightest")

    def noise(self, A: Operator, u: Tensor) -> Noise | None:
        from unseen.physics.poisson_noise import Poisson

        if u.is_complex() or bool((u < -1e-4 * u.abs().max()).any()):
            raise ValueError(
                f"Photons are counted where A x is at least zero, and {type(A).__name__}'s measurements are "
                f"{'complex' if u.is_complex() else 'partly below'}. Take Gaussian noise."
            )
        brightest = float(u.max())
        return Poisson(brightest / self.photons) if brightest > 0 else None


AnyNoise = Annotated[Noiseless | GaussianNoise | PhotonNoise, Field(discriminator="kind")]


NOISES: tuple[type[Noiseless | GaussianNoise | PhotonNoise], ...] = (GaussianNoise, PhotonNoise, Noiseless)
"""Types of noise that the lab offers, in the order of its form."""
