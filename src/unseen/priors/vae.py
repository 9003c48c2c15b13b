"""`VAE`: a variational autoencoder.

    min  E_x [ E_{z|x} ‖x − G(z)‖² / (2 variance) + KL(z|x ‖ N(0, I)) ],   z|x ~ N(μ(x), diag σ²(x))

‖·‖² is a sum over pixels, x in [0, 1]. At `variance` = ½, the default, the two terms are weighed alike, as in Duff,
Campbell & Ehrhardt; a smaller one gives sharper pictures and a code that fills N(0, I) less evenly.

Source: Kingma & Welling, Auto-encoding variational Bayes, ICLR 2014, eq. 10; Duff, Campbell & Ehrhardt, Regularising
inverse problems with generative machine learning models, arXiv 2107.11191, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.losses.evidence_lower_bound import kullback_leibler, negative_elbo
from unseen.networks.dcgan import Encoder
from unseen.priors.autoencoding import Autoencoder, AutoencoderLearner, AutoencoderSettings
from unseen.priors.trained import centred, pictures_of
from unseen.training.learner import Step


class VAE(Autoencoder):
    """G, and the encoder's mean.

    >>> G = VAE(latent=8, size=32, features=4)
    >>> G.sample(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 32, 32])
    """

    key: ClassVar[str] = "vae"

    class Config(AutoencoderSettings):
        """`variance` weighs the two terms of the objective."""

        variance: float = Field(default=0.5, gt=0, le=100, description="of a pixel given z, in squared units of x")

    config: Config

    def build(self, size: int) -> Mapping[str, nn.Module]:
        settings = self.config
        code = 2 * settings.latent  # μ and log σ²
        return {"encoder": Encoder(size, features=settings.features, latent=code, channels=settings.channels)}

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
        reconstruction = pictures_of(self.modules["decoder"](z[..., None, None]))
        loss = negative_elbo(x, reconstruction, mean, log_variance, variance=self.variance).mean()
        divergence = kullback_leibler(mean, log_variance).mean().detach()
        yield Step("generator", loss, {"divergence": divergence, "reconstruction": loss.detach() - divergence})


def _halves(encoded: Tensor) -> tuple[Tensor, Tensor]:
    """μ and log σ² of what the encoder gives, (batch, 2 latent, 1, 1): (batch, latent) each, in single precision or
    finer."""
    flat = encoded.flatten(1)
    mean, log_variance = flat.to(torch.promote_types(flat.dtype, torch.float32)).chunk(2, dim=1)
    return mean, log_variance
