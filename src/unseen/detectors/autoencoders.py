"""Detectors that restore the film: autoencoders held to pixels, uncertainty or structure, and a denoising U-Net.

These detectors restore the film with a network, and mark what the network cannot restore. Each member defines its
loss.

    x̂ = f(corrupt(x)) while training, f(x) when scoring;     score = mean of the member's marks inside the mask

x is the masked image. A member defines f, its objective (`loss`), and the mark of a pixel (`marks`).

A restorer with a small code: x̂ = De(E(x)), the DCGAN blocks with `latent` numbers between them. Each
member defines the loss.

`AeSsim`: an autoencoder held to structure rather than to grey values.

    loss = mean over the mask of 1 − SSIM(x, x̂);     marks = 1 − SSIM(x, x̂)

SSIM with a Gaussian window of σ = 1.5 pixels (`losses.similarity_map`).

Source: Bergmann, Löwe, Fauser, Sattlegger & Steger, "Improving unsupervised defect segmentation by applying structural
similarity to autoencoders", VISAPP 2019, equations 3 to 6, arXiv 1807.02011.

`AeU`: an autoencoder that also predicts its own error, so edges that a small code cannot represent count less.

    f(x) = (x̂, s),   s the log variance of a pixel
    loss = mean over the mask of e^{−s}(x − x̂)² + s;     marks = e^{−s}(x − x̂)², without s

Source: Mao, Xue, Wang, Zhang, Zheng & Huang, "Abnormality detection in chest X-ray images using uncertainty prediction
autoencoders", MICCAI 2020, equations 2 and 3.

`Dae`: a U-Net that takes coarse noise away finds in an abnormal film what looks like such noise.

    loss = mean over the mask of (f(x + n) − x)²,   n = coarse noise inside the mask;     marks = (x − f(x))²

n is drawn on a 16 × 16 grid from N(0, 0.2²), brought to the image's size bilinearly and rolled by a random offset.

Source: Kascenas, Pugeault & O'Neil, "Denoising autoencoders for unsupervised anomaly detection in brain MRI", MIDL
2022, section 2. Differs: squares inside the lung mask in the place of the brain's, no filter over the residual.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.view import View, Viewed
from unseen.detectors.detector import Detector, Judgement, Settings, masked_on
from unseen.detectors.fitting import Fitting, Normals
from unseen.losses.supervised import dissimilarity_map, structural_dissimilarity
from unseen.networks.dcgan import Decoder, Encoder
from unseen.networks.unet import UNet
from unseen.training.learner import Step


class RestorerSettings(Settings):
    """What the members share."""

    features: int = Field(default=32, ge=4, le=256, description="channels of the first convolution")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="learning rate of Adam")


class Restorer(Detector):
    """Base of `ae-ssim`, `ae-u`, `dae` and `one-class-svm`: write `build`, `loss` and `marks`.

    >>> from unseen.detectors import Dae
    >>> issubclass(Dae, Restorer)
    True
    """

    Config: ClassVar[type[RestorerSettings]] = RestorerSettings
    config: RestorerSettings

    @abstractmethod
    def build(self) -> nn.Module:
        """f, its first weights drawn by torch's generator."""

    @abstractmethod
    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        """What training descends, (batch,), from f's output and images and masks (batch, 1, size, size)."""

    @abstractmethod
    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """How far each pixel is from what f gives back, ≥ 0, and what f gives back: (batch, 1, size, size) each."""

    def corrupt(self, x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
        """What f sees of x while training."""
        return x

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.network = self._drawn(fitting.training.seed)
        self.history = self.descend(
            _Restoring(self),
            (normals.images * normals.inside, normals.inside),
            fitting,
        )

    def judge(self, viewed: Viewed) -> Judgement:
        network = self.modules()["network"]
        x, inside = masked_on(viewed, network)
        with torch.inference_mode():
            marks, restored = self.marks(network(x), x, inside)
            marks = marks * inside
            score = float(mean_inside(marks, inside))
            error = float(mean_inside((x - restored).abs(), inside))
        return Judgement(
            score=score,
            parts={"marks": score, "reconstruction": error},
            anomaly_map=marks[0, 0].cpu().numpy(),
            reconstruction=(restored * inside)[0, 0].cpu().numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "network"):
            self.network = self._drawn(0)
        return {"network": self.network}

    def _drawn(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.build().eval()


def mean_inside(values: Tensor, inside: Tensor) -> Tensor:
    """The mean over each sample's pixels inside, 0 where it has none.

    Args:
        values: (batch, 1, size, size).
        inside: of the same shape, bool.

    Returns:
        (batch,).

    >>> mean_inside(torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[True, False]]]])).tolist()
    [1.0]
    """
    kept = (values * inside).flatten(1).sum(1)
    return kept / inside.flatten(1).sum(1).clamp(min=1)


class _Restoring:
    """The learner."""

    def __init__(self, detector: Restorer) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = {"network": detector.network}
        rate = detector.config.learning_rate
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(detector.network.parameters(), lr=rate, fused=True)
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside = batch
        output = self.modules["network"](self.detector.corrupt(x, inside, rng)).float()
        yield Step("generator", self.detector.loss(output, x, inside).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""


class AutoencoderSettings(RestorerSettings):
    """A small code: with a large one an autoencoder gives lesions back too."""

    latent: int = Field(default=16, ge=1, le=1024, description="length of the code")


class Autoencoder(Restorer):
    """Base of `ae-ssim`, `ae-u` and `one-class-svm`. `outputs`: channels that De gives; `bounded`: whether a tanh ends
    it."""

    Config: ClassVar[type[AutoencoderSettings]] = AutoencoderSettings
    config: AutoencoderSettings
    needs_power_of_two = True
    outputs: ClassVar[int] = 1
    bounded: ClassVar[bool] = True

    def build(self) -> nn.Module:
        size, features, latent = self.view.size, self.config.features, self.config.latent
        return nn.Sequential(
            Encoder(size, features=features, latent=latent),
            Decoder(size, features=features, latent=latent, channels=self.outputs, bounded=self.bounded),
        )


_PEAK = 2.0  # the range of network units


class AeSsim(Autoencoder):
    """Autoencoder by structural similarity.

    >>> AeSsim(size=64).config.latent
    16
    """

    key = "ae-ssim"

    if TYPE_CHECKING:

        def __init__(
            self,
            config: AutoencoderSettings | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 32,
            learning_rate: float = 0.001,
            latent: int = 16,
        ) -> None: ...

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        return structural_dissimilarity(output * inside, x, inside=inside, peak=_PEAK)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        return dissimilarity_map(output * inside, x, peak=_PEAK).clamp(min=0), output


class AeU(Autoencoder):
    """Autoencoder with its own uncertainty.

    >>> AeU(size=64).config.latent
    16
    """

    key = "ae-u"

    outputs = 2
    bounded = False

    if TYPE_CHECKING:

        def __init__(
            self,
            config: AutoencoderSettings | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 32,
            learning_rate: float = 0.001,
            latent: int = 16,
        ) -> None: ...

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        restored, log_variance = output[:, :1], output[:, 1:]
        return mean_inside((-log_variance).exp() * (x - restored).square() + log_variance, inside)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        restored, log_variance = output[:, :1], output[:, 1:]
        return (-log_variance).exp() * (x - restored).square(), restored


class Dae(Restorer):
    """Denoising autoencoder with coarse noise.

    >>> Dae(size=64).config.sigma
    0.2
    """

    key = "dae"

    class Config(RestorerSettings):
        """σ and grid are the paper's."""

        features: int = Field(default=16, ge=4, le=256, description="channels at full size, doubling at each halving")
        sigma: float = Field(
            default=0.2, gt=0, le=10, description="σ of the coarse noise", json_schema_extra={"unit": "network units"}
        )
        grid: int = Field(default=16, ge=1, le=1024, description="side of the grid that the noise is drawn on")

    config: Config

    if TYPE_CHECKING:

        def __init__(
            self,
            config: Config | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 16,
            learning_rate: float = 0.001,
            sigma: float = 0.2,
            grid: int = 16,
        ) -> None: ...

    def build(self) -> nn.Module:
        return UNet(features=self.config.features, depth=3)

    def corrupt(self, x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
        return x + coarse_noise(x, sigma=self.config.sigma, grid=self.config.grid, generator=rng) * inside

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        return mean_inside((output - x).square(), inside)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        return (x - output).square(), output


def coarse_noise(like: Tensor, *, sigma: float, grid: int, generator: torch.Generator) -> Tensor:
    """N(0, σ²) on `grid` × `grid` points, interpolated bilinearly to the images' size and rolled: `like`'s shape,
    (batch, 1, size, size)."""
    batch, channels, height, width = like.shape
    drawn = sigma * torch.randn(batch, channels, grid, grid, generator=generator)
    offsets = torch.stack([torch.randint(side, (batch,), generator=generator) for side in (height, width)])
    noise = functional.interpolate(drawn.to(like), size=(height, width), mode="bilinear")
    return torch.stack(
        [torch.roll(one, tuple(by), dims=(1, 2)) for one, by in zip(noise, offsets.T.tolist(), strict=True)]
    )
