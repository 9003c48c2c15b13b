"""Operators of the lab, each with the few settings that matter.

`OPERATORS` lists them; a new one is a class here and its name there. torch is imported by the functions that make an
operator, since a server that only draws forms does without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from unseen.lab.settings import Choice
from unseen.physics.single_pixel_patterns import DEFAULT_PATTERNS

if TYPE_CHECKING:
    from torch import Generator

    from unseen.physics.operator import Operator

MOST_ENTRIES = 2**22
"""Largest matrix that is kept whole, in entries: 32 MB in double precision, and as many for its pseudo-inverse."""


# Any: as pydantic types it
_FIVE: dict[str, Any] = {"step": 5}

_TENTH: dict[str, Any] = {"step": 0.1}


_HUNDREDTH: dict[str, Any] = {"step": 0.01}


class MaskedPixels(Choice):
    """Some pixels are measured, at random (inpainting)."""

    words = "pixels missing (inpainting)"
    kind: Literal["mask"] = "mask"
    dropped: float = Field(0.5, ge=0, le=0.95, description="share of pixels missing", json_schema_extra=_HUNDREDTH)

    def operator(self, size: int, generator: Generator) -> Operator:
        import torch

        from unseen.physics.operator import Mask

        return Mask(torch.rand(1, size, size, generator=generator) >= self.dropped)


class FourierLines(Choice):
    """Full lines of k-space, denser near its centre."""

    words = "Fourier lines (MRI)"
    kind: Literal["fourier-lines"] = "fourier-lines"
    acceleration: float = Field(4.0, ge=1, le=12, description="one line in so many", json_schema_extra=_TENTH)
    real: bool = Field(True, description="images are known to be real")

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.fourier_mask import FourierMask
        from unseen.physics.sampling_masks import cartesian_sampling

        centre = min(0.08, 1 / self.acceleration)
        mask = cartesian_sampling(size, self.acceleration, centre_share=centre, generator=generator)
        return FourierMask(mask, real=self.real)


class FourierSpokes(Choice):
    """Lines through the centre of k-space."""

    words = "Fourier spokes (radial MRI)"
    kind: Literal["fourier-spokes"] = "fourier-spokes"
    spokes: int = Field(10, ge=1, le=128, description="spokes")
    real: bool = Field(True, description="images are known to be real")

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.fourier_mask import FourierMask
        from unseen.physics.sampling_masks import radial_sampling

        return FourierMask(radial_sampling(size, self.spokes), real=self.real)


class Views(Choice):
    """A parallel beam from some angles."""

    words = "tomography"
    kind: Literal["tomography"] = "tomography"
    views: int = Field(20, ge=1, le=180, description="views")
    arc: float = Field(180.0, ge=10, le=180, description="arc that they cover, in degrees", json_schema_extra=_FIVE)

    def operator(self, size: int, generator: Generator) -> Operator:
        import torch

        from unseen.physics.tomography import Tomography

        angles = torch.arange(self.views, dtype=torch.float64) * self.arc / self.views
        return Tomography(size, angles, pixel_size=1 / size)


class Blurred(Choice):
    """A Gaussian blur with periodic boundaries."""

    words = "blur"
    kind: Literal["blur"] = "blur"
    sigma: float = Field(1.5, ge=0.3, le=6, description="width σ, in pixels", json_schema_extra=_TENTH)

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.blur import Blur
        from unseen.physics.blur_kernels import gaussian_kernel

        truncate = min(4.0, (size - 1) // 2 / self.sigma)  # a kernel no larger than the image
        return Blur(size, gaussian_kernel(self.sigma, truncate=truncate))


class Smaller(Choice):
    """A smaller image."""

    words = "downsampling"
    kind: Literal["downsampling"] = "downsampling"
    factor: Literal["2", "4", "8"] = Field("4", description="times smaller")
    filter: Literal["ideal", "bicubic", "box"] = Field("box", description="filter before")

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.downsampling import Downsampling

        return Downsampling(size, int(self.factor), filter=self.filter)


class SinglePixel(Choice):
    """One detector behind patterns of ±1."""

    words = "single-pixel camera"
    kind: Literal["single-pixel"] = "single-pixel"
    measured: float = Field(
        0.25, ge=0.01, le=1, description="patterns, as a share of pixels", json_schema_extra=_HUNDREDTH
    )
    patterns: Literal["hadamard", "scrambled"] = Field(DEFAULT_PATTERNS, description="patterns")

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.single_pixel_camera import SinglePixelCamera

        seed = _drawn(generator)
        return SinglePixelCamera(size, _count(self.measured, size), patterns=self.patterns, seed=seed)


class RandomMixtures(Choice):
    """Each measurement is a Gaussian mixture of all pixels."""

    words = "compressed sensing (Gaussian mixtures)"
    kind: Literal["compressed-sensing"] = "compressed-sensing"
    measured: float = Field(
        0.25, ge=0.01, le=1, description="mixtures, as a share of pixels", json_schema_extra=_HUNDREDTH
    )

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.compressed_sensing import CompressedSensing

        m = _count(self.measured, size)
        if m * size * size > MOST_ENTRIES:
            raise ValueError(
                f"The matrix of {m:,} mixtures of {size} × {size} pixels has {m * size * size / 1e6:.0f} million "
                f"entries, the lab takes {MOST_ENTRIES / 1e6:.0f}. Take fewer mixtures or a smaller image; the "
                "single-pixel camera needs no matrix."
            )
        return CompressedSensing(size, m, seed=_drawn(generator))


class Whole(Choice):
    """The image itself, so that only the noise is to be taken off."""

    words = "the image itself (denoising)"
    kind: Literal["identity"] = "identity"

    def operator(self, size: int, generator: Generator) -> Operator:
        from unseen.physics.identity import Identity

        return Identity((1, size, size))


class AsLearnt(Choice):
    """Operator, link and noise with which a model of the collection was trained."""

    words = "training operator of a model"
    kind: Literal["learnt"] = "learnt"
    model: str = Field(max_length=64, description="key of a reconstructor in the collection")


Made = MaskedPixels | FourierLines | FourierSpokes | Views | Blurred | Smaller | SinglePixel | RandomMixtures | Whole


AnyOperator = Annotated[Made | AsLearnt, Field(discriminator="kind")]


OPERATORS: tuple[type[Made], ...] = (
    MaskedPixels, FourierLines, FourierSpokes, Views, Blurred, Smaller, SinglePixel, RandomMixtures, Whole,
)  # fmt: skip
"""Types of measurement that the lab offers, in the order of its form."""


def _count(share: float, size: int) -> int:
    return max(1, round(share * size * size))


def _drawn(generator: Generator) -> int:
    import torch

    return int(torch.randint(2**31, (), generator=generator))
