"""Generators by autoencoders: `AE` and `VAE`, and what they share.

Both have an encoder beside the decoder, and one Adam for the two, whose rate falls near the end.

`AE` is a plain autoencoder with a Gaussian of its training images' codes:

    min  E_x ‖x − De(E(x))‖²;   then  E(x) ~ N(m, C) over the training images,  G(z) = De(m + C^½ z),  z ~ N(0, I)

Training does not shape the code; the Gaussian is fitted when training has ended, and whitens it, so that latents have
the prior that all generators here have. Source: Ghosh, Sajjadi, Vergari, Black & Schölkopf, From variational to
deterministic autoencoders, ICLR 2020, arXiv 1903.12436, section 4 (a density fitted to the codes after training); the
objective is arXiv 2107.11191's.

`VAE` is a variational autoencoder:

    min  E_x [ E_{z|x} ‖x − G(z)‖² / (2 variance) + KL(z|x ‖ N(0, I)) ],   z|x ~ N(μ(x), diag σ²(x))

‖·‖² is a sum over pixels, x in [0, 1]. At `variance` = ½, the default, the two terms are weighed alike, as in Duff,
Campbell & Ehrhardt; a smaller one gives sharper images and a code that fills N(0, I) less evenly. Source: Kingma &
Welling, Auto-encoding variational Bayes, ICLR 2014, arXiv 1312.6114, eq. 10; Duff, Campbell & Ehrhardt, Regularising
inverse problems with generative machine learning models, arXiv 2107.11191, section 2.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.losses.elbo import kullback_leibler, negative_elbo
from unseen.networks.dcgan import DcganEncoder
from unseen.priors.trained import GeneratorSettings, TrainedGenerator, centred, images_of
from unseen.training.learner import Step, steps_taken

_FALLS_TO = 0.1  # the rate, once most steps are taken


class AutoencoderGeneratorSettings(GeneratorSettings):
    """Adam's rate and fall are those usual for autoencoders of this size."""

    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="learning rate of Adam")
    milestone: float = Field(default=0.75, gt=0, le=1, description="the share of steps after which it falls to a tenth")


class AutoencoderGenerator(TrainedGenerator):
    """A generator that can also say which latent an image has."""

    Config = AutoencoderGeneratorSettings
    config: AutoencoderGeneratorSettings
    encoder: DcganEncoder

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (n, latent) of images (n, channels, size, size) in [0, 1]; G of them is near x."""


class AutoencoderLearner:
    """All of a `training.Learner` but `steps`, which a child writes, and begins with `set_rate`."""

    def __init__(self, G: AutoencoderGenerator, *, steps: int) -> None:
        self.modules: dict[str, nn.Module] = {"encoder": G.encoder, "decoder": G.decoder}
        weights = [weight for module in self.modules.values() for weight in module.parameters()]
        self.learning_rate, self.falls_at = G.config.learning_rate, G.config.milestone * steps
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(weights, lr=self.learning_rate)
        }

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""

    def set_rate(self) -> None:
        """Set the rate, a function of the steps that Adam has counted, which a checkpoint holds."""
        optimiser = self.optimisers["generator"]
        done = steps_taken(optimiser)
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate * (_FALLS_TO if done >= self.falls_at else 1)


_BATCH = 256  # images encoded at a time
_FLOOR = 1e-6  # of the codes' mean variance: no direction is thinner


class AE(AutoencoderGenerator):
    """G, and the whitened encoder.

    >>> G = AE(latent=8, size=32, features=4)
    >>> G.sample(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 32, 32])
    """

    key: ClassVar[str] = "ae"

    code_mean: Tensor  # m, (latent,)
    code_root: Tensor  # C^½, (latent, latent), symmetric
    code_whitener: Tensor  # C^−½

    def build(self, size: int) -> Mapping[str, nn.Module]:
        settings = self.config
        self.register_buffer("code_mean", torch.zeros(settings.latent))
        self.register_buffer("code_root", torch.eye(settings.latent))
        self.register_buffer("code_whitener", torch.eye(settings.latent))
        return {
            "encoder": DcganEncoder(
                size, features=settings.features, latent=settings.latent, channels=settings.channels
            )
        }

    def encode(self, x: Tensor) -> Tensor:
        whitened: Tensor = (self._encoded(x) - self.code_mean) @ self.code_whitener
        return whitened

    def code(self, z: Tensor) -> Tensor:
        return self.code_mean + z @ self.code_root

    @torch.no_grad()
    def settle(self, images: Tensor) -> None:
        codes = torch.cat([self._encoded(part) for part in torch.split(images, _BATCH)]).double()
        mean = codes.mean(dim=0)
        covariance = (codes - mean).T @ (codes - mean) / (len(codes) - 1)
        variances, axes = torch.linalg.eigh(covariance)
        spread = variances.clamp(min=_FLOOR * float(variances.mean().clamp(min=_FLOOR))).sqrt()
        self.code_mean = mean.float()
        self.code_root = ((axes * spread) @ axes.T).float()
        self.code_whitener = ((axes / spread) @ axes.T).float()

    def learner(self, rng: torch.Generator, *, steps: int) -> _Plain:
        return _Plain(self, steps=steps)

    def _encoded(self, x: Tensor) -> Tensor:
        code: Tensor = self.encoder(centred(x)).flatten(1)
        return code  # (n, latent)


class _Plain(AutoencoderLearner):
    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        self.set_rate()
        (x,) = batch  # (batch, channels, size, size)
        reconstruction = images_of(self.modules["decoder"](self.modules["encoder"](centred(x))))
        yield Step("generator", (x - reconstruction).square().flatten(1).sum(dim=1).mean())


class VAE(AutoencoderGenerator):
    """G, and the encoder's mean.

    >>> G = VAE(latent=8, size=32, features=4)
    >>> G.sample(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 32, 32])
    """

    key: ClassVar[str] = "vae"

    class Config(AutoencoderGeneratorSettings):
        """`variance` weighs the two terms of the objective."""

        variance: float = Field(
            default=0.5,
            gt=0,
            le=100,
            description="variance of a pixel given z",
            json_schema_extra={"unit": "squared units of x"},
        )

    config: Config

    def build(self, size: int) -> Mapping[str, nn.Module]:
        settings = self.config
        code = 2 * settings.latent  # μ and log σ²
        return {"encoder": DcganEncoder(size, features=settings.features, latent=code, channels=settings.channels)}

    def encode(self, x: Tensor) -> Tensor:
        mean, _ = _halves(self.encoder(centred(x)))
        return mean

    def learner(self, rng: torch.Generator, *, steps: int) -> _Variational:
        return _Variational(self, steps=steps)


class _Variational(AutoencoderLearner):
    def __init__(self, G: VAE, *, steps: int) -> None:
        super().__init__(G, steps=steps)
        self.variance = G.config.variance

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        self.set_rate()
        (x,) = batch  # (batch, channels, size, size)
        mean, log_variance = _halves(self.modules["encoder"](centred(x)))  # (batch, latent) each
        noise = torch.randn(mean.shape, generator=rng).to(mean)
        z = mean + (log_variance / 2).exp() * noise
        reconstruction = images_of(self.modules["decoder"](z[..., None, None]))
        loss = negative_elbo(x, reconstruction, mean, log_variance, variance=self.variance).mean()
        divergence = kullback_leibler(mean, log_variance).mean().detach()
        yield Step("generator", loss, {"divergence": divergence, "reconstruction": loss.detach() - divergence})


def _halves(encoded: Tensor) -> tuple[Tensor, Tensor]:
    """μ and log σ² of what the encoder gives, (batch, 2 latent, 1, 1): (batch, latent) each, in single precision or
    finer."""
    flat = encoded.flatten(1)
    mean, log_variance = flat.to(torch.promote_types(flat.dtype, torch.float32)).chunk(2, dim=1)
    return mean, log_variance
