"""`AlphaGan`: an autoencoder whose images a discriminator D judges, and whose codes another, C.

    E, G    λ·mean |x − G(E(x))| − log D(G(E(x))) − log D(G(z)) − log C(E(x)),   z ~ N(0, I)
    D       films against reconstructions and samples:  ½ BCE(D(x), 1) + ¼ BCE(D(G(E(x))), 0) + ¼ BCE(D(G(z)), 0)
    C       ½ (−log C(z) − log(1 − C(E(x)))); no BatchNorm, which would let it see its batch mates
    score   mean |x − G(E(x))| inside the mask;   beside it, the mean of squares

A GAN's sharp images, without a generator that forgets most films: the codes are made to follow N(0, I) by C instead
of by a formula.

Sources: Rosca, Lakshminarayanan, Warde-Farley & Mohamed, "Variational approaches for auto-encoding generative
adversarial networks", 2017, algorithm 1, arXiv 1706.04987; Nakao et al., "Unsupervised deep anomaly detection in chest
radiographs", Journal of Digital Imaging 34 (2021). Differs: the halves, which only scale a step that Adam scales
again.
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
from unseen.losses.running_averages import running_averages_frozen
from unseen.networks.dcgan import DcganDecoder, DcganEncoder, Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.training.learner import Learner, Step


class AlphaGan(GanDetector):
    """α-GAN.

    >>> AlphaGan(size=64).config.reconstruction_weight
    10.0
    """

    key = "alpha-gan"
    kept = ("e", "g")
    converges_by = "reconstruction"

    class Config(GanSettings):
        """λ weighs the image against what two discriminators say."""

        reconstruction_weight: float = Field(default=10.0, ge=0, le=1e6, description="λ, weight of the reconstruction")
        code_width: int = Field(
            default=256, ge=4, le=4096, description="width of C's two hidden layers; 750 in Rosca et al."
        )

    config: Config

    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, settings = self.view.size, self.config
        features, latent, width = settings.features, settings.latent, settings.code_width
        networks: dict[str, nn.Module] = {
            "e": DcganEncoder(size, features=features, latent=latent),
            "g": DcganDecoder(size, features=features, latent=latent),
            "d": Discriminator(size, features=features, normalised=settings.game != "wgan-gp"),
        }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
        networks["c"] = nn.Sequential(
            nn.Flatten(),
            nn.Linear(latent, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )
        return networks

    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        return _Two(self, steps=steps)

    def judge(self, viewed: Viewed) -> Judgement:
        networks = self.modules()
        x, inside = masked_on(viewed, networks["e"])
        with torch.inference_mode():
            restored = networks["g"](networks["e"](x))
            score = float(mean_inside((x - restored).abs(), inside))
            squares = float(mean_inside((x - restored).square(), inside))
        return judged(score, {"absolute": score, "squares": squares}, x, restored, inside)


class _Two:
    """The learner: E and G together, then D, then C."""

    def __init__(self, detector: AlphaGan, *, steps: int) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        self.of_images = Adversary(
            detector.config,
            name="discriminator",
            discriminator=self.outputs_of_images,
            module=detector.networks["d"],
            steps=steps,
        )
        self.of_codes = Adversary(
            detector.config,
            name="code discriminator",
            discriminator=self.outputs_of_codes,
            module=detector.networks["c"],
            steps=steps,
        )
        self.optimisers = {
            "discriminator": self.of_images.optimiser,
            "code discriminator": self.of_codes.optimiser,
            "generator": detector.config.optimiser(weights_of(self.modules, "e", "g")),
        }

    def outputs_of_images(self, x: Tensor) -> Tensor:
        """Return D's outputs, (batch,)."""
        found: Tensor = self.modules["d"](x)[1]
        return found

    def outputs_of_codes(self, z: Tensor) -> Tensor:
        """C's, (batch,)."""
        found: Tensor = self.modules["c"](z).flatten()
        return found

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, settings = batch[0], self.detector.config
        z = self.detector.drawn_z(len(x), x, rng)
        code = self.modules["e"](x).float()
        restored = self.modules["g"](code).float()
        with running_averages_frozen(self.detector.networks["g"]):  # scoring draws from codes alone
            sampled = self.modules["g"](z).float()
        if self.of_images.gives_way:
            apart = settings.reconstruction_weight * (x - restored).abs().flatten(1).mean(1)
            images = self.of_images.fooled(restored, rng) + self.of_images.fooled(sampled, rng)
            total = apart + images + self.of_codes.fooled(code, rng)
            yield Step("generator", total.mean(), {"reconstruction": apart.mean().detach()})
        yield self.of_images.step(torch.cat([x, x]), torch.cat([restored, sampled]), rng)
        self.of_images.keep_small()
        yield self.of_codes.step(z, code, rng)
        self.of_codes.keep_small()

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""
