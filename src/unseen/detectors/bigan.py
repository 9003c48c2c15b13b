"""`BiGan`: a generator and an encoder against a discriminator that sees images together with their codes.

    D       (x, E(x)) against (G(z), z),   z ~ N(0, I):   ½ BCE(D(x, E(x)), 1) + ½ BCE(D(G(z), z), 0)
    E, G    the labels swapped:            −log D(G(z), z) − log(1 − D(x, E(x)))
    score   0.9 ‖x − G(E(x))‖₁ + 0.1 ‖f(x, E(x)) − f(G(E(x)), E(x))‖₁

f is D's layer before the last. Where D cannot tell the pairs apart, E inverts G.

Sources: Donahue, Krähenbühl & Darrell, "Adversarial feature learning", ICLR 2017, arXiv 1605.09782, and Dumoulin et
al., "Adversarially learned inference", ICLR 2017, arXiv 1606.00704 (training); Zenati et al., "Efficient GAN-based
anomaly detection", 2018, equation 2, arXiv 1802.06222 (score).
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
from unseen.networks.dcgan import DcganDecoder, DcganEncoder
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.networks.pair_discriminator import PairDiscriminator
from unseen.training.learner import Learner, Step


class BiGan(GanDetector):
    """BiGAN.

    >>> BiGan(size=64).config.balance
    0.1
    """

    key = "bigan"
    kept = ("e", "g", "d")
    converges_by = ""

    class Config(GanSettings):
        """The balance is Zenati's."""

        balance: float = Field(default=0.1, ge=0, le=1, description="share of D's features in the score")

    config: Config

    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, features, latent = self.view.size, self.config.features, self.config.latent
        networks: dict[str, nn.Module] = {
            "e": DcganEncoder(size, features=features, latent=latent),
            "g": DcganDecoder(size, features=features, latent=latent),
            "d": PairDiscriminator(size, features=features, latent=latent, normalised=self.config.game != "wgan-gp"),
        }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
        return networks

    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        return _Pairs(self, steps=steps)

    def judge(self, viewed: Viewed) -> Judgement:
        networks, balance = self.modules(), self.config.balance
        x, inside = masked_on(viewed, networks["e"])
        with torch.inference_mode():
            z = networks["e"](x)
            restored = networks["g"](z)
            image = float((x - restored).abs().sum())
            features = float((networks["d"](x, z)[0] - networks["d"](restored, z)[0]).abs().sum())
        parts = {"picture": image, "features": features}
        return judged((1 - balance) * image + balance * features, parts, x, restored, inside)


class _Pairs:
    """The learner. A pair is one tensor, image and code end to end, so that a penalty can lie between two of them."""

    def __init__(self, detector: BiGan, *, steps: int) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        self.adversary = Adversary(
            detector.config,
            name="discriminator",
            discriminator=self._discriminator,
            module=detector.networks["d"],
            steps=steps,
        )
        self.optimisers = {
            "discriminator": self.adversary.optimiser,
            "generator": detector.config.optimiser(weights_of(self.modules, "e", "g")),
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x = batch[0]
        z = self.detector.drawn_z(len(x), x, rng)
        real, fake = _pair(x, self.modules["e"](x)), _pair(self.modules["g"](z), z)
        yield self.adversary.step(real, fake, rng)
        self.adversary.keep_small()
        if self.adversary.gives_way:
            total = self.adversary.fooled(fake, rng) + self.adversary.mistaken(real, rng)
            yield Step("generator", total.mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""

    def _discriminator(self, pairs: Tensor) -> Tensor:
        size, latent = self.detector.view.size, self.detector.config.latent
        image, code = pairs[:, : size**2], pairs[:, size**2 :]
        logit: Tensor = self.modules["d"](image.reshape(-1, 1, size, size), code.reshape(-1, latent, 1, 1))[1]
        return logit


def _pair(x: Tensor, z: Tensor) -> Tensor:
    """(batch, size² + latent)."""
    return torch.cat([x.float().flatten(1), z.float().flatten(1)], dim=1)
