"""`AE`: a plain autoencoder, and the Gaussian that its training pictures' codes make.

    min  E_x ‖x − De(E(x))‖²;   then  E(x) ~ N(m, C) over the training pictures,  G(z) = De(m + C^½ z),  z ~ N(0, I)

Training does not shape the code; the Gaussian is fitted when training has ended, and whitens it, so that latents have
the prior that all generators here have.

Source: Ghosh, Sajjadi, Vergari, Black & Schölkopf, From variational to deterministic autoencoders, ICLR 2020, section 4
(a density fitted to the codes after training); the objective is arXiv 2107.11191's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from unseen.networks.dcgan import Encoder
from unseen.priors.autoencoding import Autoencoder, AutoencoderLearner, AutoencoderSettings
from unseen.priors.trained import centred, pictures_of
from unseen.training.learner import Step

_BATCH = 256  # pictures encoded at a time
_FLOOR = 1e-6  # of the codes' mean variance: no direction is thinner


class AE(Autoencoder):
    """G, and the whitened encoder.

    >>> G = AE(latent=8, size=32, features=4)
    >>> G.sample(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 32, 32])
    """

    key: ClassVar[str] = "ae"

    Config: ClassVar[type[AutoencoderSettings]] = AutoencoderSettings
    code_mean: Tensor  # m, (latent,)
    code_root: Tensor  # C^½, (latent, latent), symmetric
    code_whitener: Tensor  # C^−½

    def build(self, size: int) -> Mapping[str, nn.Module]:
        settings = self.config
        self.register_buffer("code_mean", torch.zeros(settings.latent))
        self.register_buffer("code_root", torch.eye(settings.latent))
        self.register_buffer("code_whitener", torch.eye(settings.latent))
        return {
            "encoder": Encoder(size, features=settings.features, latent=settings.latent, channels=settings.channels)
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
        reconstruction = pictures_of(self.modules["decoder"](self.modules["encoder"](centred(x))))
        yield Step("generator", (x - reconstruction).square().flatten(1).sum(dim=1).mean())
