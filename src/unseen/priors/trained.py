"""`TrainedGenerator`: the base of every generator that is learnt from images on the common loop.

z ~ N(0, I); G(z) = (1 + De(z)) / 2, De the DCGAN decoder, whose tanh ends in [−1, 1]; so images lie in [0, 1].
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from unseen.artifacts.constructor import Configurable
from unseen.networks.dcgan import DcganDecoder
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.tensor_products import describe
from unseen.priors.generator import StandardNormalGenerator
from unseen.training.learner import Learner
from unseen.training.loop import train
from unseen.training.placement import computed_on
from unseen.training.progress import Progress
from unseen.training.settings import Training

if TYPE_CHECKING:
    from unseen.artifacts.card import Card
    from unseen.artifacts.constructor import C, HasConfig, P, T
    from unseen.training.history import History

Array = NDArray[Any]  # Any: numbers of whatever kind the caller holds


class GeneratorSettings(BaseModel):
    """The base of every trained generator's `Config`: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    latent: int = Field(ge=1, le=4096, description="length of the latent z")
    features: int = Field(default=32, ge=4, le=256, description="channels at half the images' side, doubling below")
    slope: float = Field(default=0.2, ge=0, lt=1, description="LeakyReLU's slope in the decoder; 0 is ReLU")
    size: int | None = Field(
        default=None,
        ge=16,
        le=1024,
        description="side of an image; None: that of the images",
        json_schema_extra={"unit": "pixels"},
    )
    channels: int = Field(default=1, ge=1, le=64, description="channels of an image")


class TrainedGenerator(Configurable, StandardNormalGenerator, ABC):
    """Base of `VAE`, `WGANGP` and `AE`; a new one writes `build` and `learner`.

    `VAE(latent=8).fit(images)`; or `VAE(latent=8, size=32)`, untrained, with first weights from seed 0.

    >>> from unseen.priors import VAE
    >>> from unseen.training import Training
    >>> images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    >>> G = VAE(latent=2, features=4).fit(images, training=Training(epochs=1, batch_size=8, device="cpu"))
    >>> G.sample(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 16, 16])
    """

    Config: type[GeneratorSettings] = GeneratorSettings
    config: GeneratorSettings
    decoder: DcganDecoder
    can_be_saved: ClassVar[bool] = True

    if TYPE_CHECKING:
        # makes type checkers check the settings of each subclass; see unseen.artifacts.constructor
        def __new__(
            cls: type[HasConfig[P, C, T]], config: C | None = None, *args: P.args, **settings: P.kwargs
        ) -> T: ...

    def set_up(self) -> None:
        self.latent_shape: tuple[int, ...] = (self.config.latent,)
        self.history: History | None = None
        self.trained_on = ""  # the device and its threads; empty: not trained
        self.training_digests: tuple[str, ...] = ()  # of each image it has learnt from, SHA-256
        self.card: Card | None = None  # set by `priors.load`
        if self.config.size is not None:
            self._draw(self.config.size, torch.Generator().manual_seed(0))

    @abstractmethod
    def build(self, size: int) -> Mapping[str, nn.Module]:
        """Return the networks beside `decoder` that the generator keeps, by the names of its attributes."""

    @abstractmethod
    def learner(self, rng: torch.Generator, *, steps: int) -> Learner:
        """Return the learner for so many steps; further networks, such as a critic, draw their first weights from
        `rng`."""

    @torch.no_grad()
    def settle(self, images: Tensor) -> None:
        """Compute what needs the trained network, from the training images."""

    def forward(self, z: Tensor) -> Tensor:
        """Map latents (n, latent) to images (n, channels, size, size) in [0, 1].

        Raises:
            ValueError: the latents are of another shape, or there are no networks yet.
        """
        if self.config.size is None:
            raise ValueError(f"this {self.key} has no networks yet. Fit it, or give it a size: size=32")
        if z.ndim != 2 or z.shape[1] != self.config.latent:
            raise ValueError(
                f"latents of this {self.key} are (n, {self.config.latent}), but got {describe(tuple(z.shape))}."
            )
        return images_of(self.decoder(self.code(z)[..., None, None]))

    def code(self, z: Tensor) -> Tensor:
        """Return the decoder's input, (n, latent): z itself, where the prior is the decoder's own."""
        return z

    def fit(
        self,
        images: Tensor | Array,
        *,
        training: Training | None = None,
        folder: Path | None = None,
        validate: Callable[[Self, int], Mapping[str, float]] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Self:
        """Learn from images, from first weights drawn from `training.seed`; what was learnt before is forgotten.

        The same seed, settings, images, device and number of threads give the same weights, bit for bit, also where
        an interrupted training is resumed from its folder.

        Args:
            images: (n, channels, size, size) in [0, 1], size a power of two from 16 up. An array becomes a tensor in
                single precision.
            training: epochs, batch size, seed, precision, device; None: 20 epochs, batches of 64.
            folder: for the log and the checkpoint from which the same call resumes; None: nothing is written.
            validate: called after each epoch with this generator, in eval mode, and the number of epochs done; what it
                returns is kept in `history.validation`, and changes nothing.
            progress: called after each step.

        Returns:
            itself, in eval mode, on the CPU; `history` holds every loss.

        Raises:
            ValueError: the images are of another shape, are not finite, or leave [0, 1].
            TrainingError: the checkpoint belongs to another training, a device is missing, a loss is NaN.
            KeyboardInterrupt: Ctrl-C, after the batch and its checkpoint.
        """
        training = training or Training(epochs=20, batch_size=64)
        x = _checked(images, self.config, key=self.key)
        self.config = self.config.model_copy(update={"size": x.shape[-1]})
        rng = torch.Generator().manual_seed(training.seed)
        self._draw(x.shape[-1], rng)

        def validated_after(epochs: int) -> Mapping[str, float]:
            return {} if validate is None else validate(self, epochs)

        steps = training.epochs * max(1, len(x) // training.batch_size)
        self.history = train(
            self.learner(rng, steps=steps),
            (x,),
            training,
            folder=folder,
            validate=None if validate is None else validated_after,
            progress=progress,
            identity=f"{self.key} {self.config.model_dump_json()}",
        )
        self.eval()
        self.settle(x)
        self.trained_on = computed_on(self.history.device, training)
        self.training_digests = tuple(map(digest_of, x))
        self.card = None
        return self

    def _draw(self, size: int, rng: torch.Generator) -> None:
        """Make the networks, with first weights from `rng`, in eval mode."""
        settings = self.config
        with torch.random.fork_rng(devices=[]):  # torch's own first weights are drawn over below
            self.decoder = DcganDecoder(
                size,
                features=settings.features,
                latent=settings.latent,
                channels=settings.channels,
                slope=settings.slope,
            )
            for name, network in self.build(size).items():
                setattr(self, name, network)
        initialise_dcgan(self, generator=rng)
        self.eval()

    def __repr__(self) -> str:
        learnt = f"learnt from {len(self.training_digests)} images" if self.trained_on else "not trained"
        weights = sum(weight.numel() for weight in self.parameters())
        return f"<{self.key}, latent {self.config.latent}, {weights:,} weights, {learnt}>"


def images_of(decoded: Tensor) -> Tensor:
    """Return a decoder's [−1, 1] as images in [0, 1], at least in single precision.

    >>> images_of(torch.tensor([-1.0, 0.0, 1.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return (1 + decoded.to(torch.promote_types(decoded.dtype, torch.float32))) / 2


def centred(x: Tensor) -> Tensor:
    """Return the images in [0, 1] as an encoder or a critic sees them, in [−1, 1]."""
    return 2 * x - 1


def digest_of(image: Tensor) -> str:
    """Return the SHA-256 of an image's bytes, as a generator's list of training images names it."""
    return hashlib.sha256(image.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def _checked(images: Tensor | Array, config: GeneratorSettings, *, key: str) -> Tensor:
    """Return the training images, float32, on the CPU."""
    if not isinstance(images, Tensor):
        images = as_tensor(np.asanyarray(images))  # keeps the mask of a masked array, which is refused
    if images.is_complex() or images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"{key} learns from real images (n, channels, size, size), n at least 1, but got {images.dtype} of shape "
            f"{describe(tuple(images.shape))}. Of complex ones, take the modulus."
        )
    n, channels, height, width = images.shape
    if height != width or height < 16 or height & (height - 1):
        raise ValueError(
            f"{key} makes square images with a power of two from 16 up as their side, but got {height} × {width}. "
            "Pad them with zeros, such as 28 × 28 to 32 × 32, or average them down."
        )
    if channels != config.channels or config.size not in (None, height):
        raise ValueError(
            f"this {key} is made for images of {config.channels} channel(s) and size {config.size or 'any'}, but got "
            f"{describe(tuple(images.shape))}. Make another: channels={channels}, size={height}."
        )
    x = images.detach().to("cpu", torch.float32)
    low, high = float(x.min()), float(x.max())
    if not (low >= 0 and high <= 1):  # a NaN too
        raise ValueError(
            f"{key} learns from images in [0, 1], but got values from {low:g} to {high:g}. "
            "Divide by the largest value an image can have, such as 255."
        )
    if n < 2:
        raise ValueError(f"{key} needs at least 2 images to learn from, but got {n}.")
    return x
