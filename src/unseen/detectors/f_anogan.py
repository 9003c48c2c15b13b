"""`FAnoGan`: a Wasserstein GAN of normal films, then an encoder into its latents.

    GAN        D: D(G(z)) − D(x) + 10 (‖∇D‖ − 1)²,  five steps for one of G;   G: −D(G(z)),   z ~ N(0, I)
    encoder    izi_f   mean (x − x̂)² + κ·mean (f(x) − f(x̂))²,   x̂ = G(E(x)),  κ = 1         G and D frozen
               izi     κ = 0
               ziz     mean (z − E(G(z)))²
               sure_f  SURE of G∘E at x, divided by n, + κ·mean (f(x) − f(x̂))²
    score      mean (x − x̂)² + κ·mean (f(x) − f(x̂))²;    beside it, mean (E(x) − E(x̂))²

f are D's activations before its last layer. E has the critic's shape and ends in a tanh.
With `sure_f` the encoder is trained towards the film without noise:

    [ ‖x − x̂‖² − σ²m + (2σ²/τ) (Mb)ᵀ(G(E(x + τMb)) − x̂) ] / n + κ·mean (f(x) − f(x̂))²

by `losses.sure`; M is the mask and m its pixels. σ is a setting, or is estimated on the training films.
`GanDetector.learn` in `gan.py` trains the two stages one after the other; `FAnoGan.learner` gives the steps of each.

Source: Schlegl, Seeböck, Waldstein, Langs & Schmidt-Erfurth, "f-AnoGAN: fast unsupervised anomaly detection with
generative adversarial networks", Medical Image Analysis 54 (2019), equations 2 to 5, doi:10.1016/j.media.2019.01.010;
residual networks of Gulrajani et al., 2017. `network="dcgan"` is the thesis's variant, of DCGAN blocks. `sure_f` is
not in the paper. Differs: as many epochs for the encoder as for the GAN (the paper takes 50,000 steps); the mean over
the image, of which the lungs are a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.anatomy.network_view import Viewed
from unseen.artifacts.added_setting import added_setting
from unseen.detectors.detector import masked_on
from unseen.detectors.fitting import Fitting
from unseen.detectors.gan import GanDetector, GanSettings, judged, weights_of
from unseen.detectors.generator_and_critic import GeneratorAndCritic
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.sure_noise import Sigma, Tau, check_tau, noise_level
from unseen.losses.gan_games import Game
from unseen.losses.sure_gaussian import sure
from unseen.networks.dcgan import DcganDecoder, DcganEncoder, Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.networks.residual_generator import ResidualCritic, ResidualGenerator
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.operator import Mask
from unseen.training.learner import Learner, Step


class FAnoGan(GanDetector):
    """f-AnoGAN.

    >>> FAnoGan(size=64).config.encoding
    'izi_f'
    """

    key = "f-anogan"
    kept = ("g", "d", "e")
    stages = ("gan", "encoder")

    class Config(GanSettings):
        """Defaults are the paper's, but for `features`: 64 there."""

        features: int = Field(default=16, ge=4, le=256, description="channels at full size")
        latent: int = Field(default=128, ge=1, le=1024, description="length of the latent z")
        game: Game = "wgan-gp"
        network: Literal["residual", "dcgan"] = Field(default="residual", description="dcgan: the thesis's variant")
        encoding: Literal["izi_f", "izi", "ziz", "sure_f"] = Field(
            default="izi_f", description="objective of the encoder"
        )
        kappa: float = Field(default=1.0, ge=0, description="κ, weight of D's features")
        encoder_rate: float = Field(default=5e-5, gt=0, le=1, description="learning rate of RMSProp for the encoder")
        sigma: Sigma = added_setting(
            None,
            description="σ of the films' noise, for sure_f; None: estimated",
        )
        tau: Tau = added_setting(1e-2, description="step of SURE's finite difference")

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        if self.config.encoding == "sure_f":
            check_tau(self.config.tau, fitting.training)
            self.facts |= noise_level(normals.images, self.config.sigma)
        super().learn(normals, fitting)

    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, settings = self.view.size, self.config
        if settings.network == "residual":
            return {
                "g": ResidualGenerator(size, features=settings.features, latent=settings.latent),
                "d": ResidualCritic(size, features=settings.features),
                "e": ResidualCritic(size, features=settings.features, outputs=settings.latent),
            }
        networks: dict[str, nn.Module] = {
            "g": DcganDecoder(size, features=settings.features, latent=settings.latent),
            "d": Discriminator(size, features=settings.features, normalised=settings.game != "wgan-gp"),
            "e": DcganEncoder(size, features=settings.features, latent=settings.latent),
        }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
        return networks

    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        return GeneratorAndCritic(self, steps=steps) if stage == "gan" else _Encoding(self)

    def encoded(self, x: Tensor, modules: Mapping[str, nn.Module]) -> Tensor:
        """E(x): (batch, latent, 1, 1), in (−1, 1)."""
        found = modules["e"](x)
        code = found if isinstance(found, Tensor) else found[1]
        return torch.tanh(code.reshape(len(x), -1, 1, 1))

    def misfit(
        self, x: Tensor, restored: Tensor, modules: Mapping[str, nn.Module], *, kappa: float
    ) -> tuple[Tensor, Tensor]:
        """mean (x − x̂)² and κ·mean (f(x) − f(x̂))², (batch,) each."""
        return _squared_error(x, restored), _feature_distance(x, restored, modules["d"], kappa=kappa)

    def judge(self, viewed: Viewed) -> Judgement:
        networks = self.modules()
        x, inside = masked_on(viewed, networks["g"])
        with torch.inference_mode():
            z = self.encoded(x, networks)
            restored = networks["g"](z)
            image, features = (float(part) for part in self.misfit(x, restored, networks, kappa=self.config.kappa))
            code = float((z - self.encoded(restored, networks)).square().mean())
        parts = {"picture": image, "features": features, "code": code}
        return judged(image + features, parts, x, restored, inside)


class _Encoding:
    """The encoder's learner: G and D rest, and no gradient reaches their weights."""

    def __init__(self, detector: FAnoGan) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.RMSprop(weights_of(self.modules, "e"), lr=detector.config.encoder_rate)
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, settings = batch[0], self.detector.config
        self.modules["g"].eval()
        self.modules["d"].eval()
        if settings.encoding == "ziz":
            z = self.detector.drawn_z(len(x), x, rng)
            with torch.no_grad():
                made = self.modules["g"](z)
            yield Step("generator", (z - self.detector.encoded(made, self.modules).float()).square().mean())
            return
        restored = self.modules["g"](self.detector.encoded(x, self.modules))
        kappa = 0.0 if settings.encoding == "izi" else settings.kappa
        features = _feature_distance(x, restored, self.modules["d"], kappa=kappa)
        risk = settings.encoding == "sure_f"
        image = self._risk(x, batch[1], restored, rng) if risk else _squared_error(x, restored)
        yield Step("generator", (image + features).mean())

    def _risk(self, x: Tensor, inside: Tensor, restored: Tensor, rng: torch.Generator) -> Tensor:
        """SURE of G∘E at x, divided by the number of pixels: (batch,)."""

        def reconstruct(x: Tensor) -> Tensor:
            made: Tensor = self.modules["g"](self.detector.encoded(x, self.modules))
            return made

        risk = sure(
            reconstruct,
            x,
            Gaussian(self.detector.facts["sigma"]),
            Mask(inside),
            tau=self.detector.config.tau,
            generator=rng,
            prediction=restored,
            modules=(self.modules["e"],),
        )
        return risk / x[0].numel()

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""


def _squared_error(x: Tensor, restored: Tensor) -> Tensor:
    """mean (x − x̂)², (batch,)."""
    return (x - restored.float()).square().flatten(1).mean(1)


def _feature_distance(x: Tensor, restored: Tensor, critic: nn.Module, *, kappa: float) -> Tensor:
    """κ·mean (f(x) − f(x̂))², (batch,), with f of this critic."""
    if kappa == 0:
        return x.new_zeros(len(x))
    apart: Tensor = critic(x)[0].float() - critic(restored)[0].float()
    return kappa * apart.square().flatten(1).mean(1)
