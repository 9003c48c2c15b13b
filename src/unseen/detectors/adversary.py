"""One side of a GAN: a discriminator, its game, its turns, and what keeps it from winning at once.

The game is one of `unseen.losses.GAMES`; for `wgan` the discriminator's weights are clipped after each of its steps,
for `wgan-gp` its slope is held to 1. Instance noise, N(0, s²) on what it sees, real and made alike, falls from
`instance_noise` at the first step to 0 at the last. Its running averages are those of its own steps, not of the
generator's.

Sources: the games' papers, see there; instance noise: Sønderby et al., "Amortised MAP inference for image
super-resolution", ICLR 2017, section 4; Arjovsky & Bottou, "Towards principled methods for training GANs", ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.detector import Settings
from unseen.losses.gan import GAMES, Game
from unseen.losses.running_averages import running_averages_frozen
from unseen.losses.wasserstein import gradient_penalty
from unseen.training.learner import Step, steps_taken


class GanSettings(Settings):
    """What detectors by a GAN share; a Wasserstein game has five turns of the critic for one of the generator, and
    rates of its own."""

    features: int = Field(default=32, ge=4, le=256, description="channels of the first convolution")
    latent: int = Field(default=100, ge=1, le=1024, description="length of z")
    game: Game = Field(default="non-saturating", description="what discriminator and generator descend")
    gradient_penalty: float = Field(default=10.0, ge=0, le=1e6, description="λ, of wgan-gp")
    clip: float = Field(default=0.01, gt=0, le=1e3, description="largest weight of a critic, of wgan")
    instance_noise: float = Field(default=0.0, ge=0, le=10, description="σ at the first step, network units")
    critic_steps: int | None = Field(default=None, ge=1, le=100, description="for one of the generator; None: 1, or 5")
    learning_rate: float | None = Field(default=None, gt=0, le=1, description="None: the game's paper's")

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
        says: D, (batch, ...) → outputs (batch,), called as the learner's modules are.
        module: D, of which `says` speaks.
        steps: of the whole training; the instance noise falls to 0 with them.
        optimiser: of D's weights; None: the game's.
    """

    def __init__(
        self,
        settings: GanSettings,
        *,
        name: str,
        says: Callable[[Tensor], Tensor],
        module: nn.Module,
        steps: int,
        optimiser: torch.optim.Optimizer | None = None,
    ) -> None:
        self.settings, self.name, self.total = settings, name, max(1, steps)
        self.module, self.weights = module, list(module.parameters())
        self.optimiser = optimiser or settings.optimiser(self.weights)
        self._says = says

    def step(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Step:
        """Its turn on (batch, ...) of each kind; no gradient goes back to what made them."""
        real, fake = self._noisy(real.detach(), rng), self._noisy(fake.detach(), rng)
        loss = GAMES[self.settings.game].discriminator(self._says(real), self._says(fake)).mean()
        if self.settings.game == "wgan-gp":
            slope = gradient_penalty(self._says, real, fake, generator=rng).mean()
            loss = loss + self.settings.gradient_penalty * slope
        return Step(self.name, loss)

    def fooled(self, fake: Tensor, rng: torch.Generator) -> Tensor:
        """What the generator descends: (batch,)."""
        with running_averages_frozen(self.module):
            return GAMES[self.settings.game].generator(self._says(self._noisy(fake, rng)))

    def mistaken(self, real: Tensor, rng: torch.Generator) -> Tensor:
        """The same with the labels swapped, for a generator that also makes what D holds for real: (batch,)."""
        with running_averages_frozen(self.module):
            return GAMES[self.settings.game].swapped(self._says(self._noisy(real, rng)))

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
