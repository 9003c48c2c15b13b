"""`ResUnetGanomaly`: GANomaly with a U-Net for its first autoencoder, trained as a WGAN-GP. It learns the identity.

    z, x̂ = U(x),  ẑ = E2(x̂);     score = ‖z − ẑ‖₂
    U, E2     1·(−D(x̂)) + 50·mean |x − x̂| + 1·mean (z − ẑ)²
    critic    D(x̂) − D(x) + 10 (‖∇D‖ − 1)²

What U's bridges carry need not pass through z: the image comes back whatever it shows, the consistency falls to
zero, and the two encoders need only agree. It is here to be compared, as the thesis's negative result.

Source: the thesis on adversarial screening of chest X-rays (2022), appendix A.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.anatomy.network_view import Viewed
from unseen.detectors.adversary import Adversary
from unseen.detectors.detector import masked_on
from unseen.detectors.gan import GanDetector, GanSettings, judged, weights_of
from unseen.detectors.judgement import Judgement
from unseen.detectors.restorer import mean_inside
from unseen.losses.gan_games import Game
from unseen.networks.dcgan import DcganEncoder, Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.networks.skip_autoencoder import SkipAutoencoder
from unseen.training.learner import Learner, Step


class ResUnetGanomaly(GanDetector):
    """GANomaly with bridges.

    >>> ResUnetGanomaly(size=64).config.game
    'wgan-gp'
    """

    key = "resunet-ganomaly"
    kept = ("u", "e2")
    converges_by = "consistency"

    class Config(GanSettings):
        """GANomaly's weights."""

        game: Game = "wgan-gp"
        adversarial_weight: float = Field(default=1.0, ge=0, description="weight of the adversarial loss")
        consistency_weight: float = Field(default=50.0, ge=0, description="weight of the image's reconstruction loss")
        encoding_weight: float = Field(default=1.0, ge=0, description="weight of the latents' distance")

    config: Config

    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, features, latent = self.view.size, self.config.features, self.config.latent
        networks: dict[str, nn.Module] = {
            "u": SkipAutoencoder(size, features=features, latent=latent),
            "e2": DcganEncoder(size, features=features, latent=latent),
            "d": Discriminator(size, features=features, normalised=self.config.game != "wgan-gp"),
        }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
        return networks

    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        return _Bridged(self, steps=steps)

    def judge(self, viewed: Viewed) -> Judgement:
        networks = self.modules()
        x, inside = masked_on(viewed, networks["u"])
        with torch.inference_mode():
            z, restored = networks["u"](x)
            score = float(torch.linalg.vector_norm(z - networks["e2"](restored)))
            error = float(mean_inside((x - restored).abs(), inside))
        return judged(score, {"latent": score, "reconstruction": error}, x, restored, inside)


class _Bridged:
    """The learner: the critic, then U and E2 together."""

    def __init__(self, detector: ResUnetGanomaly, *, steps: int) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        self.critic = Adversary(
            detector.config,
            name="critic",
            discriminator=self.outputs,
            module=detector.networks["d"],
            steps=steps,
        )
        self.optimisers = {
            "critic": self.critic.optimiser,
            "generator": detector.config.optimiser(weights_of(self.modules, "u", "e2")),
        }

    def outputs(self, x: Tensor) -> Tensor:
        """Return D's outputs, (batch,)."""
        found: Tensor = self.modules["d"](x)[1]
        return found

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, settings = batch[0], self.detector.config
        z, restored = (part.float() for part in self.modules["u"](x))
        yield self.critic.step(x, restored, rng)
        self.critic.keep_small()
        if self.critic.gives_way:
            consistency = (x - restored).abs().mean()
            encoding = (z - self.modules["e2"](restored).float()).square().mean()
            total = (
                settings.adversarial_weight * self.critic.fooled(restored, rng).mean()
                + settings.consistency_weight * consistency
                + settings.encoding_weight * encoding
            )
            yield Step("generator", total, {"consistency": consistency.detach(), "encoding": encoding.detach()})

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""
