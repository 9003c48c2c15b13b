"""Learner of a plain GAN: D in its turns, then G, from noise.

`f-anogan` and `anogan` begin with it; `randgan` draws from more than noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from unseen.detectors.adversary import Adversary
from unseen.detectors.gan import GanDetector, weights_of
from unseen.training.learner import Step


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
        """Return D's outputs, (batch,).

        It is a method, since the learner is sent to other processes, and a lambda cannot be.
        """
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
        """Do nothing."""

    def made(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Generate as many images as x has, of its precision: G(z), z ~ N(0, I)."""
        made: Tensor = self.modules["g"](self.detector.drawn_z(len(x), x, rng))
        return made.to(x.dtype)
