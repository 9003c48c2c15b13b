"""`RandGan`: a generator that draws from noise and from a normal image, which is another one than D is shown.

    D          ½ (D(x) − 1)² + ½ D(G(n, x′))²,   n ~ U(0, 1)ᵏ,  x′ a training film drawn independently of x
    G          ½ (D(G(n, x′)) − 1)²
    score      min over n, contrast and brightness of x̄ of  0.9 Σ |x − G(n, x̄)| + 0.1 Σ |f(x) − f(G(n, x̄))|

"Randomised": with x′ = x the generator would learn to copy. f are D's activations before its last convolution.

Source: Motamed, Rogalla & Khalvati, "RANDGAN: randomized generative adversarial network for detection of COVID-19 in
chest X-ray", Scientific Reports 11 (2021), arXiv 2010.06418. Differs: the search is `unseen.priors.Range`'s, over the
noise itself (as n = Φ(u), which stays between 0 and 1) and over contrast and brightness of the image, where the paper
learns a layer on each, and ends where a step promises less than 1e-5 of the value; the image that a film is compared
through, x̄, is the mean of the training films, so that no patient's film lies in a bundle. The paper trains a model
for each labelled kind of normal film; this one has one kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.anogan import TOLERANCE, nearest_image
from unseen.detectors.detector import masked_on
from unseen.detectors.gan import GanDetector, GanSettings, judged, weights_of
from unseen.detectors.generator_and_critic import GeneratorAndCritic
from unseen.detectors.judgement import Judgement
from unseen.losses.gan_games import Game
from unseen.networks.dcgan import Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.networks.inlier_generator import InlierGenerator
from unseen.priors.search_settings import Search
from unseen.training.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unseen.anatomy.network_view import Viewed

_CONTRAST, _BRIGHTNESS = 0.1, 0.1  # how far a step of 1 in the search goes


class RandGan(GanDetector):
    """RANDGAN.

    >>> RandGan(size=64).config.latent
    120
    """

    key = "randgan"
    kept = ("g", "d", "inlier")
    converges_by = ""

    class Config(GanSettings):
        """Rates, weights and steps are the paper's."""

        latent: int = Field(default=120, ge=1, le=1024, description="length of the noise")
        game: Game = "least-squares"
        learning_rate: float = Field(default=2e-5, gt=0, le=1, description="learning rate of RMSProp for G")
        discriminator_rate: float = Field(default=4e-5, gt=0, le=1, description="learning rate of RMSProp for D")
        largest_slope: float = Field(default=1.0, gt=0, description="bound at which entries of gradients are clipped")
        balance: float = Field(default=0.1, ge=0, le=1, description="share of D's features in the score")
        iterations: int = Field(default=800, ge=1, le=100_000, description="steps of the search at most")
        tolerance: float = Field(default=1e-5, ge=0, lt=1, description=TOLERANCE)

        def optimiser(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
            """G's."""
            return self.cut(list(weights), rate=self.learning_rate)

        def cut(self, weights: list[nn.Parameter], *, rate: float) -> torch.optim.Optimizer:
            """RMSProp by gradients whose entries are cut."""
            found = torch.optim.RMSprop(weights, lr=rate)
            found.register_step_pre_hook(
                lambda optimiser, given, named: nn.utils.clip_grad_value_(weights, self.largest_slope)
            )
            return found

    config: Config

    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, features = self.view.size, self.config.features
        networks: dict[str, nn.Module] = {
            "g": InlierGenerator(size, features=features, latent=self.config.latent),
            "d": Discriminator(size, features=features, normalised=self.config.game != "wgan-gp"),
        }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
        networks["inlier"] = _Inlier(size)
        return networks

    def begin(self, films: Tensor) -> None:
        self.networks["inlier"].load_state_dict({"picture": films.mean(dim=0)})

    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        return _Randomised(self, films, steps=steps)

    def judge(self, viewed: Viewed) -> Judgement:
        networks, settings = self.modules(), self.config
        x, inside = masked_on(viewed, networks["g"])
        value, restored = nearest_image(
            x,
            _Around(networks["g"], networks["inlier"]),
            (settings.latent + 2,),
            networks["d"],
            balance=settings.balance,
            search=Search(1, settings.iterations, settings.tolerance),
        )
        return judged(value, {"search": value, "picture": float((x - restored).abs().sum())}, x, restored, inside)


class _Inlier(nn.Module):
    """The image that G is given when films are scored, (1, size, size)."""

    picture: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("picture", torch.zeros(1, size, size))

    def forward(self) -> Tensor:
        return self.picture


class _Around(nn.Module):
    """u, (batch, latent + 2) → G(Φ(u₁ … uₖ), (1 + 0.1 uₖ₊₁) x̄ + 0.1 uₖ₊₂ where x̄ is not 0)."""

    def __init__(self, g: nn.Module, inlier: nn.Module) -> None:
        super().__init__()
        self.g, self.inlier = g, inlier

    def forward(self, u: Tensor) -> Tensor:
        picture = self.inlier().expand(len(u), -1, -1, -1)
        contrast, brightness = (u[:, place, None, None, None] for place in (-2, -1))
        changed = (1 + _CONTRAST * contrast) * picture + _BRIGHTNESS * brightness * (picture != 0)
        made: Tensor = self.g(torch.special.ndtr(u[:, :-2]), changed)
        return made


class _Randomised(GeneratorAndCritic):
    """The learner: D, then G; for each, new images for G are drawn from all films."""

    def __init__(self, detector: RandGan, films: Tensor, *, steps: int) -> None:
        weights = weights_of(detector.networks, "d")
        rate = detector.config.discriminator_rate
        super().__init__(detector, steps=steps, optimiser=detector.config.cut(weights, rate=rate))
        self.films = films

    def made(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """G(n, x′), n ~ U(0, 1)."""
        others = torch.randint(len(self.films), (len(x),), generator=rng)
        noise = torch.rand(len(x), self.detector.config.latent, generator=rng)
        made: Tensor = self.modules["g"](noise.to(x), self.films[others].to(x))
        return made.to(x.dtype)
