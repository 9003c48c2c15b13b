"""Discriminator's side of a GAN: its game, its turns, and what keeps it from winning at once.

The game is one of `unseen.losses.GAMES`; for `wgan` the discriminator's weights are clipped after each of its steps,
for `wgan-gp` its slope is held to 1. Instance noise, N(0, s²) on what it sees, real and made alike, falls linearly from
`instance_noise` at the first step to `instance_noise` / steps at the last. Its running averages are those of its own
steps, not of the generator's.

Sources: the games' papers, see there; instance noise: Sønderby et al., "Amortised MAP inference for image
super-resolution", ICLR 2017, section 4; Arjovsky & Bottou, "Towards principled methods for training GANs", ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from unseen.detectors.gan import GanSettings
from unseen.losses.gan_games import GAMES
from unseen.losses.running_averages import running_averages_frozen
from unseen.losses.wasserstein import gradient_penalty
from unseen.training.learner import Step, steps_taken


class Adversary:
    """The discriminator's half of a learner. How many steps it has taken is read from its optimiser, which a checkpoint
    holds.

    Args:
        settings: the game.
        name: of its optimiser in the learner's `optimisers`.
        discriminator: D, (batch, ...) → outputs (batch,), called as the learner's modules are.
        module: the module of D, which owns the weights.
        steps: of the whole training, over which the instance noise falls.
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
        self.settings, self.name = settings, name
        self.module, self.weights = module, list(module.parameters())
        self.optimiser = optimiser or settings.optimiser(self.weights)
        self._discriminator = discriminator
        self._noisy = partial(with_instance_noise, settings.instance_noise, self.optimiser, steps)

    def step(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Step:
        """Return its training step on (batch, ...) of each type.

        No gradient goes back to the network that made them.
        """
        real, fake = self._noisy(real.detach(), rng), self._noisy(fake.detach(), rng)
        loss = GAMES[self.settings.game].discriminator(self._discriminator(real), self._discriminator(fake)).mean()
        if self.settings.game == "wgan-gp":
            slope = gradient_penalty(self._discriminator, real, fake, generator=rng).mean()
            loss = loss + self.settings.gradient_penalty * slope
        return Step(self.name, loss)

    def fooled(self, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the generator's loss: (batch,)."""
        with running_averages_frozen(self.module):
            return GAMES[self.settings.game].generator(self._discriminator(self._noisy(fake, rng)))

    def mistaken(self, real: Tensor, rng: torch.Generator) -> Tensor:
        """Return the generator's loss with the labels swapped, for one that also makes what D holds for real:
        (batch,).
        """
        with running_averages_frozen(self.module):
            return GAMES[self.settings.game].swapped(self._discriminator(self._noisy(real, rng)))

    @property
    def done(self) -> int:
        """Steps taken."""
        return steps_taken(self.optimiser)

    @property
    def gives_way(self) -> bool:
        """True if it is the generator's turn."""
        return self.done % self.settings.turns == 0

    def keep_small(self) -> None:
        """Clip the weights, where the game asks for it."""
        if self.settings.game == "wgan":
            with torch.no_grad():
                for weight in self.weights:
                    weight.clamp_(-self.settings.clip, self.settings.clip)


def with_instance_noise(
    first: float, optimiser: torch.optim.Optimizer, steps: int, x: Tensor, rng: torch.Generator
) -> Tensor:
    """Return x with the noise of the discriminator's present step.

    Args:
        first: σ at the first step.
        optimiser: of the discriminator, whose steps count.
        steps: of the whole training.
        x: images, of any shape.
        rng: draws the noise.
    """
    if first == 0:
        return x
    sigma = first * max(0.0, 1 - steps_taken(optimiser) / max(1, steps))
    return x + sigma * torch.randn(x.shape, generator=rng).to(x) if sigma else x
