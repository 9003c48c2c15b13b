"""`AnoGan`: a GAN of normal films, and for each film the latent whose image comes nearest.

    GAN        D: ½ BCE(D(x), 1) + ½ BCE(D(G(z)), 0);   G: −log D(G(z)),   z ~ N(0, I)
    search     min over z of  (1 − λ) Σ |x − G(z)| + λ Σ |f(x) − f(G(z))|,   λ = 0.1, at most 500 steps
    score      its value

The search is `unseen.priors.Range`'s, with that sum for its fit; it begins at the same z for every film. It takes many
generator calls a film, a second or two where others take milliseconds.

Source: Schlegl, Seeböck, Waldstein, Schmidt-Erfurth & Langs, "Unsupervised anomaly detection with generative
adversarial networks to guide marker discovery", IPMI 2017, equations 2 to 5, arXiv 1703.05921. Differs: steps by a
line search in the place of Adam's, and none where a further one promises less than 1e-5 of the value: the paper takes
all 500.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.anatomy.network_view import Viewed
from unseen.detectors.detector import masked_on
from unseen.detectors.gan import GanDetector, GanSettings, judged
from unseen.detectors.generator_and_critic import GeneratorAndCritic
from unseen.detectors.judgement import Judgement
from unseen.networks.dcgan import DcganDecoder, Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.priors.fits import L1, Features
from unseen.priors.generative import Range
from unseen.priors.search_settings import Search
from unseen.priors.wrapped_generator import Wrapped
from unseen.training.learner import Learner

TOLERANCE = "share of its value that a step has to promise for the search to go on; 0: all steps"


class AnoGan(GanDetector):
    """AnoGAN.

    >>> AnoGan(size=64).config.iterations
    500
    """

    key = "anogan"
    kept = ("g", "d")
    converges_by = ""

    class Config(GanSettings):
        """λ and Γ are the paper's."""

        balance: float = Field(default=0.1, ge=0, le=1, description="λ, share of D's features in the search")
        iterations: int = Field(default=500, ge=1, le=100_000, description="Γ, steps of the search at most")
        tolerance: float = Field(default=1e-5, ge=0, lt=1, description=TOLERANCE)
        restarts: int = Field(default=1, ge=1, le=1000, description="starts of the search; the best end counts")

    config: Config

    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, settings = self.view.size, self.config
        networks: dict[str, nn.Module] = {
            "g": DcganDecoder(size, features=settings.features, latent=settings.latent),
            "d": Discriminator(size, features=settings.features, normalised=settings.game != "wgan-gp"),
        }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
        return networks

    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        return GeneratorAndCritic(self, steps=steps)

    def judge(self, viewed: Viewed) -> Judgement:
        networks, settings = self.modules(), self.config
        x, inside = masked_on(viewed, networks["g"])
        value, restored = nearest_image(
            x,
            networks["g"],
            (settings.latent, 1, 1),
            networks["d"],
            balance=settings.balance,
            search=Search(settings.restarts, settings.iterations, settings.tolerance),
        )
        return judged(value, {"search": value, "picture": float((x - restored).abs().sum())}, x, restored, inside)


def nearest_image(
    x: Tensor,
    g: nn.Module,
    latent: tuple[int, ...],
    d: nn.Module,
    *,
    balance: float,
    search: Search,
) -> tuple[float, Tensor]:
    """min over u of (1 − λ) Σ |x − g(u)| + λ Σ |f(x) − f(g(u))|, and g's image there: `randgan`'s search, too.

    Args:
        x: (1, 1, size, size).
        g: latents (batch, *latent), drawn from N(0, I), to images of x's shape.
        d: image → (f, …).
        balance: λ.
        search: how hard to look.
    """
    fit = (1 - balance) * L1(1.0) + balance * Features(d, by=L1(1.0))
    found = Range(Wrapped(g, latent), weight=0.0).nearest(x, norm=fit, search=search)
    return float(found.value), found.x.to(x.dtype)
