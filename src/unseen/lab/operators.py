"""The operators and noises that the lab offers, a whole setup, and whether it can be learnt from.

What chance adds to a measurement in the lab.

How an image is measured: the operators of the lab, each with the few settings that matter.

`OPERATORS` lists them; a new one is a class here and its name there. torch is imported by what makes an operator, since
a server that only draws forms does without it.

`Setup`: how an image is measured, as somebody has set it.

Whether images can be learnt from such measurements alone, if they may be moved by a group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from unseen.lab.settings import Choice, Size

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from unseen.physics.group import Group
    from unseen.physics.identifiability.report import Identifiability
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


MOST_ENTRIES = 2**22
"""Of a matrix that is kept whole, in double precision: 32 MB, and as many again for its pseudo-inverse."""
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
    """Whole lines of k-space, denser near its centre."""

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
    patterns: Literal["hadamard", "scrambled"] = Field("hadamard", description="patterns")

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

    words = "as a model has learnt"
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


class Setup(BaseModel):
    """How an image is measured.

    With an operator `AsLearnt` the noise is the model's, and `noise` is not read.

    >>> Setup().operator.kind, Setup().noise.level
    ('mask', 0.02)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size = Field(default=32, description="side of the image", json_schema_extra={"unit": "pixels"})
    operator: AnyOperator = MaskedPixels()
    """What is measured: missing pixels, frequencies, projections, a blurred or a smaller image, or a model's own."""
    noise: AnyNoise = GaussianNoise()
    """None, Gaussian or of photons."""
    seed: int = Field(default=0, ge=0, le=9999, description="of what is drawn: masks, patterns, noise")


GROUPS: dict[str, str] = {
    "shifts": "shifts",
    "rotations": "rotations",
    "quarter-turns": "quarter turns",
    "flips": "flips",
    "scalings": "scalings",
    "permutations": "permutations of pixels",
    "none": "nothing",
}
"""Name → words for people: "images may undergo …"."""


def verdict_of(A: Operator, group: str) -> Identifiability:
    """Determine whether images can be learnt from the measurements of A alone, if a group acts on them.

    Args:
        A: the measurement operator.
        group: a key of `GROUPS`, such as "shifts": the transformations that images may undergo.

    Returns:
        The verdict with its figures, see `physics.identify`.

    Raises:
        LookupError: the group is not in `GROUPS`.
        ValueError: the group does not act on such images.

    Example:
        >>> from unseen.physics import Identity
        >>> verdict_of(Identity((1, 4, 4)), "none").verdict
        'can'
    """
    if group not in GROUPS:
        raise LookupError(f"{group!r} is no group; there are {', '.join(GROUPS)}.")
    from unseen.physics.identifiability.verdict import identify

    return identify(A, _group(group))


def _group(name: str) -> Group | None:
    from unseen import physics

    if name == "quarter-turns":
        return physics.Rotations(multiples_of=90)
    makers: dict[str, type[Group]] = {
        "shifts": physics.Shifts,
        "rotations": physics.Rotations,
        "flips": physics.Flips,
        "scalings": physics.Scalings,
        "permutations": physics.Permutations,
    }
    return makers[name]() if name in makers else None
