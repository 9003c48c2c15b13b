"""What detectors by GANs share: networks by name, the plain GAN's learner, the adversary.

One side of a GAN: a discriminator, its game, its turns, and what keeps it from winning at once.

The game is one of `unseen.losses.GAMES`; for `wgan` the discriminator's weights are clipped after each of its steps,
for `wgan-gp` its slope is held to 1. Instance noise, N(0, s²) on what it sees, real and made alike, falls from
`instance_noise` at the first step to 0 at the last. Its running averages are those of its own steps, not of the
generator's.

Sources: the games' papers, see there; instance noise: Sønderby et al., "Amortised MAP inference for image
super-resolution", ICLR 2017, section 4; Arjovsky & Bottou, "Towards principled methods for training GANs", ICLR 2017.

Detectors by a GAN: networks by name, in training by a learner, and what scoring needs of them.

A member defines the networks (`build`), how they learn (`learner`, of one stage or of several) and a film's score
(`judge`). Images are the masked ones, in network units, not clipped to [−1, 1]: what a generator
cannot make is a part of the residual.

The learner of a plain GAN: D in its turns, then G, from noise. `f-anogan` and `anogan` begin with it; `randgan`
draws from more than noise.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.detector import Detector, Judgement, Settings
from unseen.detectors.fitting import Fitting, Normals
from unseen.detectors.weights import FitError
from unseen.losses.generative import GAMES, Game, gradient_penalty
from unseen.losses.loss import running_averages_frozen
from unseen.training.learner import Step, steps_taken

if TYPE_CHECKING:
    from unseen.training.learner import Learner


class GanSettings(Settings):
    """What detectors by a GAN share; a Wasserstein game has five turns of the critic for one of the generator, and
    rates of its own."""

    features: int = Field(default=32, ge=4, le=256, description="channels of the first convolution")
    latent: int = Field(default=100, ge=1, le=1024, description="length of the latent z")
    game: Game = Field(default="non-saturating", description="objective of discriminator and generator")
    gradient_penalty: float = Field(
        default=10.0, ge=0, le=1e6, description="λ, weight of the gradient penalty of wgan-gp"
    )
    clip: float = Field(default=0.01, gt=0, le=1e3, description="largest weight of the critic's parameters, for wgan")
    instance_noise: float = Field(
        default=0.0, ge=0, le=10, description="σ at the first step", json_schema_extra={"unit": "network units"}
    )
    critic_steps: int | None = Field(
        default=None, ge=1, le=100, description="per generator step; None: 5 for wgan and wgan-gp, else 1"
    )
    learning_rate: float | None = Field(
        default=None, gt=0, le=1, description="learning rate; None: that of the game's paper"
    )

    @property
    def turns(self) -> int:
        """Steps of the discriminator for one of the generator."""
        return self.critic_steps or (5 if self.game in ("wgan", "wgan-gp") else 1)

    def optimiser(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The game's: RMSProp 5e-5 for `wgan`, Adam 1e-4 with betas (0, 0.9) for `wgan-gp`, else Adam 2e-4 (0.5,
        0.999)."""
        if self.game == "wgan":
            return torch.optim.RMSprop(weights, lr=self.learning_rate or 5e-5)
        if self.game == "wgan-gp":
            return torch.optim.Adam(weights, lr=self.learning_rate or 1e-4, betas=(0.0, 0.9))
        return torch.optim.Adam(weights, lr=self.learning_rate or 2e-4, betas=(0.5, 0.999))


class Adversary:
    """The discriminator's half of a learner. How many steps it has taken is read from its optimiser, which a checkpoint
    holds.

    Args:
        settings: the game.
        name: of its optimiser in the learner's `optimisers`.
        discriminator: D, (batch, ...) → outputs (batch,), called as the learner's modules are.
        module: the module of D, which owns the weights.
        steps: of the whole training; the instance noise falls to 0 with them.
        optimiser: of D's weights; None: the game's.
    """

    def __init__(
        self,
        settings: GanSettings,
        *,
        name: str,
        discriminator: Callable[[Tensor], Tensor],
        module: nn.Module,
        steps: int,
        optimiser: torch.optim.Optimizer | None = None,
    ) -> None:
        self.settings, self.name, self.total = settings, name, max(1, steps)
        self.module, self.weights = module, list(module.parameters())
        self.optimiser = optimiser or settings.optimiser(self.weights)
        self._discriminator = discriminator

    def step(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Step:
        """Its turn on (batch, ...) of each kind; no gradient goes back to what made them."""
        real, fake = self._noisy(real.detach(), rng), self._noisy(fake.detach(), rng)
        loss = GAMES[self.settings.game].discriminator(self._discriminator(real), self._discriminator(fake)).mean()
        if self.settings.game == "wgan-gp":
            slope = gradient_penalty(self._discriminator, real, fake, generator=rng).mean()
            loss = loss + self.settings.gradient_penalty * slope
        return Step(self.name, loss)

    def fooled(self, fake: Tensor, rng: torch.Generator) -> Tensor:
        """What the generator descends: (batch,)."""
        with running_averages_frozen(self.module):
            return GAMES[self.settings.game].generator(self._discriminator(self._noisy(fake, rng)))

    def mistaken(self, real: Tensor, rng: torch.Generator) -> Tensor:
        """The same with the labels swapped, for a generator that also makes what D holds for real: (batch,)."""
        with running_averages_frozen(self.module):
            return GAMES[self.settings.game].swapped(self._discriminator(self._noisy(real, rng)))

    @property
    def done(self) -> int:
        """Steps taken."""
        return steps_taken(self.optimiser)

    @property
    def gives_way(self) -> bool:
        """Whether it is the generator's turn."""
        return self.done % self.settings.turns == 0

    def keep_small(self) -> None:
        """Clip the weights, where the game asks for it."""
        if self.settings.game == "wgan":
            with torch.no_grad():
                for weight in self.weights:
                    weight.clamp_(-self.settings.clip, self.settings.clip)

    def _noisy(self, x: Tensor, rng: torch.Generator) -> Tensor:
        sigma = self.settings.instance_noise * max(0.0, 1 - self.done / self.total)
        return x + sigma * torch.randn(x.shape, generator=rng).to(x) if sigma else x


class GanDetector(Detector):
    """Base of `alpha-gan`, `anogan`, `bigan`, `f-anogan`, `randgan` and `resunet-ganomaly`."""

    Config: ClassVar[type[GanSettings]] = GanSettings
    config: GanSettings
    needs_power_of_two = True
    kept: ClassVar[tuple[str, ...]]
    """Names of the networks that scoring needs."""
    stages: ClassVar[tuple[str, ...]] = ("gan",)
    """Trainings, one after the other; epochs can be chosen in the last."""

    @abstractmethod
    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        """Networks by name, their first weights drawn."""

    @abstractmethod
    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        """The learner of a stage, on a dictionary of its own of this detector's networks; films (n, 1, size, size) are
        those that batches are taken from."""

    def begin(self, films: Tensor) -> None:
        """Keep what scoring needs of the training films, (n, 1, size, size), before anything is learnt."""

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.networks = self._drawn(fitting.training.seed)
        data, settings = (normals.images * normals.inside, normals.inside), fitting.training
        steps = settings.epochs * (len(data[0]) // min(settings.batch_size, len(data[0])))
        if steps < self.config.turns:
            raise FitError(
                f"{self.key}: the generator steps once in {self.config.turns} steps of the critic, and these are "
                f"{steps}. Give more epochs, or smaller batches"
            )
        self.begin(data[0])
        spent = 0.0
        for stage in self.stages:
            before = "" if stage == self.stages[-1] else stage
            history = self.descend(self.learner(stage, data[0], steps=steps), data, fitting, before=before)
            spent += history.seconds
        self.history = replace(history, seconds=spent)

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "networks"):
            self.networks = self._drawn(0)
        return {name: self.networks[name] for name in self.kept}

    def drawn_z(self, n: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """z ~ N(0, I): (n, latent, 1, 1), where `like` is."""
        return torch.randn(n, self.config.latent, 1, 1, generator=rng).to(like)

    def _drawn(self, seed: int) -> dict[str, nn.Module]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of layers that are not drawn over by `build`
            networks = self.build(torch.Generator().manual_seed(seed))
        for network in networks.values():
            network.eval()
        return networks


def judged(score: float, parts: Mapping[str, float], x: Tensor, restored: Tensor, inside: Tensor) -> Judgement:
    """A judgement whose marks are |x − restored| inside the mask, from (1, 1, size, size) each."""
    return Judgement(
        score=score,
        parts=parts,
        anomaly_map=((x - restored).abs() * inside)[0, 0].cpu().numpy(),
        reconstruction=(restored * inside)[0, 0].cpu().numpy(),
    )


def weights_of(modules: Mapping[str, nn.Module], *names: str) -> list[nn.Parameter]:
    """The weights of these networks, for one optimiser."""
    return [weight for name in names for weight in modules[name].parameters()]


class GeneratorAndCritic:
    """The learner. `optimiser`: of D's weights; None: the game's."""

    def __init__(self, detector: GanDetector, *, steps: int, optimiser: torch.optim.Optimizer | None = None) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        self.critic = Adversary(
            detector.config,
            name="critic",
            discriminator=self.outputs,
            module=detector.networks["d"],
            steps=steps,
            optimiser=optimiser,
        )
        self.optimisers = {
            "critic": self.critic.optimiser,
            "generator": detector.config.optimiser(weights_of(self.modules, "g")),
        }

    def outputs(self, x: Tensor) -> Tensor:
        """D's, (batch,); a method, since the learner is sent to other processes, and a lambda cannot be."""
        found: Tensor = self.modules["d"](x)[1].flatten()
        return found

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x = batch[0]
        with torch.no_grad():
            made = self.made(x, rng)
        yield self.critic.step(x, made, rng)
        self.critic.keep_small()
        if self.critic.gives_way:
            yield Step("generator", self.critic.fooled(self.made(x, rng), rng).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""

    def made(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """As many images as x has, of its precision: G(z), z ~ N(0, I)."""
        made: Tensor = self.modules["g"](self.detector.drawn_z(len(x), x, rng))
        return made.to(x.dtype)
