"""`RandGan`: a generator that draws from noise and from a normal picture, which is another one than D is shown.

    D          ½ (D(x) − 1)² + ½ D(G(n, x′))²,   n ~ U(0, 1)ᵏ,  x′ a training film drawn independently of x
    G          ½ (D(G(n, x′)) − 1)²
    score      min over n, contrast and brightness of x̄ of  0.9 Σ |x − G(n, x̄)| + 0.1 Σ |f(x) − f(G(n, x̄))|

"Randomised": with x′ = x the generator would learn to copy. f are D's activations before its last convolution.

Source: Motamed, Rogalla & Khalvati, "RANDGAN: randomized generative adversarial network for detection of COVID-19 in
chest X-ray", Scientific Reports 11 (2021). Differs: the search is `unseen.priors.Range`'s, over the noise itself (as
n = Φ(u), which stays between 0 and 1) and over contrast and brightness of the picture, where the paper learns a layer
on each; the picture that a film is compared through, x̄, is the mean of the training films, so that no patient's film
lies in a bundle. The paper trains a model for each labelled kind of normal film; this one has one kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.adversary import Adversary, GanSettings
from unseen.detectors.anogan import nearest_picture
from unseen.detectors.detector import Fitting, Judgement, Normals
from unseen.detectors.gan_detector import GanDetector, judged, weights_of
from unseen.losses.gan import Game
from unseen.networks.dcgan import Discriminator
from unseen.networks.initialise import initialise_dcgan
from unseen.networks.inlier_generator import InlierGenerator
from unseen.training.learner import Learner, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unseen.anatomy.view import Viewed

_CONTRAST, _BRIGHTNESS = 0.1, 0.1  # how far a step of 1 in the search goes


class RandGan(GanDetector):
    """RANDGAN.

    >>> RandGan(size=64).config.latent
    120
    """

    key = "randgan"
    kept = ("g", "d", "inlier")

    class Config(GanSettings):
        """Rates, weights and steps are the paper's."""

        latent: int = Field(default=120, ge=1, le=1024, description="length of the noise")
        game: Game = "least-squares"
        learning_rate: float = Field(default=2e-5, gt=0, le=1, description="RMSProp's, of G")
        discriminator_rate: float = Field(default=4e-5, gt=0, le=1, description="RMSProp's, of D")
        largest_slope: float = Field(default=1.0, gt=0, description="entries of gradients are cut to this size")
        balance: float = Field(default=0.1, ge=0, le=1, description="share of D's features in the score")
        iterations: int = Field(default=800, ge=1, le=100_000, description="steps of the search")

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

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.pool = normals.images * normals.inside
        super().learn(normals, fitting)
        self.networks["inlier"].load_state_dict({"picture": self.pool.mean(dim=0)})
        del self.pool

    def learner(self, stage: str, *, steps: int) -> Learner:
        return _Randomised(self, self.pool, steps=steps)

    def judge(self, viewed: Viewed) -> Judgement:
        x, inside = self.seen(viewed)
        networks, settings = self.modules(), self.config
        value, restored = nearest_picture(
            x,
            _Around(networks["g"], networks["inlier"]),
            (settings.latent + 2,),
            networks["d"],
            balance=settings.balance,
            iterations=settings.iterations,
        )
        return judged(value, {"search": value, "picture": float((x - restored).abs().sum())}, x, restored, inside)


class _Inlier(nn.Module):
    """The picture that G is given when films are scored, (1, size, size)."""

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


class _Randomised:
    """The learner: D, then G, each with pictures for G that are drawn anew."""

    def __init__(self, detector: RandGan, pool: Tensor, *, steps: int) -> None:
        self.detector, self.pool, settings = detector, pool, detector.config
        self.modules: dict[str, nn.Module] = {name: detector.networks[name] for name in ("g", "d")}
        weights = weights_of(self.modules, "d")
        self.adversary = Adversary(
            settings,
            name="discriminator",
            says=lambda x: self.modules["d"](x)[1],
            weights=weights,
            steps=steps,
            optimiser=settings.cut(weights, rate=settings.discriminator_rate),
        )
        self.optimisers = {
            "discriminator": self.adversary.optimiser,
            "generator": settings.optimiser(weights_of(self.modules, "g")),
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x = batch[0]
        with torch.no_grad():
            made = self._made(x, rng)
        yield self.adversary.step(x, made, rng)
        self.adversary.keep_small()
        if self.adversary.gives_way:
            yield Step("generator", self.adversary.fooled(self._made(x, rng), rng).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""

    def _made(self, x: Tensor, rng: torch.Generator) -> Tensor:
        others = torch.randint(len(self.pool), (len(x),), generator=rng)
        noise = torch.rand(len(x), self.detector.config.latent, generator=rng)
        made: Tensor = self.modules["g"](noise.to(x), self.pool[others].to(x))
        return made.to(x.dtype)
