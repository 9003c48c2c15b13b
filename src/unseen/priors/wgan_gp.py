"""`WGANGP`: a Wasserstein GAN with gradient penalty.

    critic:     min  E D(G(z)) − E D(x) + λ E (‖∇D(x̂)‖₂ − 1)²,   x̂ = ε x + (1 − ε) G(z),  ε ~ U[0, 1]
    generator:  max  E D(G(z)),   z ~ N(0, I)

The generator takes a step after every `critic_steps` of the critic. The critic sees images in [−1, 1], and has no
BatchNorm.

Source: Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, Improved training of Wasserstein GANs, NeurIPS 2017, eq. 3 and
algorithm 1 (λ = 10, five critic steps, Adam with rate 1e-4 and betas (0, 0.9)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.losses.wasserstein import gradient_penalty, wasserstein_critic
from unseen.networks.dcgan import Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.priors.trained import GeneratorSettings, TrainedGenerator, centred
from unseen.training.learner import Step, steps_taken


class WGANGP(TrainedGenerator):
    """G alone: the critic serves the training, and is not kept.

    >>> G = WGANGP(latent=8, size=32, features=4)
    >>> G.sample(3, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 1, 32, 32])
    """

    key: ClassVar[str] = "wgan-gp"

    class Config(GeneratorSettings):
        """Defaults are the paper's."""

        critic_steps: int = Field(default=5, ge=1, le=100, description="critic steps per generator step")
        gradient_penalty: float = Field(default=10.0, ge=0, le=1e6, description="λ, weight of the gradient penalty")
        learning_rate: float = Field(
            default=1e-4, gt=0, le=1, description="learning rate of both Adams, with betas (0, 0.9)"
        )

    config: Config

    def build(self, size: int) -> Mapping[str, nn.Module]:
        return {}

    def learner(self, rng: torch.Generator, *, steps: int) -> _GeneratorAndCritic:
        settings, size = self.config, self.config.size
        assert size is not None
        if steps < settings.critic_steps:
            raise ValueError(
                f"the generator steps once in {settings.critic_steps} steps of the critic, and these are {steps}. "
                "Give more epochs, or smaller batches."
            )
        with torch.random.fork_rng(devices=[]):  # torch's own first weights are drawn over below
            critic = Discriminator(size, features=settings.features, channels=settings.channels, normalised=False)
        initialise_dcgan(critic, generator=rng)
        return _GeneratorAndCritic(self, critic)


class _GeneratorAndCritic:
    """The learner. How many steps the critic has taken is read from its Adam, which a checkpoint holds."""

    def __init__(self, G: WGANGP, critic: Discriminator) -> None:
        self.settings = G.config
        self.modules: dict[str, nn.Module] = {"decoder": G.decoder, "critic": critic}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(module.parameters(), lr=G.config.learning_rate, betas=(0.0, 0.9))
            for name, module in (("critic", critic), ("generator", G.decoder))
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        real = centred(batch[0])  # (batch, channels, size, size)
        with torch.no_grad():
            fake = self._made(len(real), real, rng)
        distance = wasserstein_critic(self._scores(real), self._scores(fake)).mean()
        penalty = gradient_penalty(self._scores, real, fake, generator=rng).mean()
        total = distance + self.settings.gradient_penalty * penalty
        yield Step("critic", total, {"distance": -distance.detach(), "slope penalty": penalty.detach()})
        if steps_taken(self.optimisers["critic"]) % self.settings.critic_steps == 0:
            yield Step("generator", -self._scores(self._made(len(real), real, rng)).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""

    def _made(self, n: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """`n` images of the decoder, in [−1, 1], in the images' precision and on their device."""
        z = torch.randn(n, self.settings.latent, 1, 1, generator=rng).to(like.device)
        made: Tensor = self.modules["decoder"](z)
        return made.to(like.dtype)

    def _scores(self, x: Tensor) -> Tensor:
        scores: Tensor = self.modules["critic"](x)[1]
        return scores.float()  # (batch,)
