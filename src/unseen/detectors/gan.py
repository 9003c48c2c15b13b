"""Base of the detectors by GANs, except GANomaly's family (`ganomaly_family`): networks by name, and their training.

A subclass defines the networks (`build`), their training (`learner`, of one stage or of several) and a film's score
(`judge`). Images are masked, in network units and not clipped to [−1, 1]. Values that a generator cannot produce
therefore remain in the residual.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.losses.gan_games import Game

if TYPE_CHECKING:
    from unseen.training.learner import Learner


class GanSettings(DetectorSettings):
    """Settings of detectors by a GAN.

    A Wasserstein game has five steps of the critic for one step of the generator, and its own learning rates.
    """

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
        """Number of discriminator steps for each generator step."""
        return self.critic_steps or (5 if self.game in ("wgan", "wgan-gp") else 1)

    def optimiser(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Make the game's optimiser.

        It is RMSProp 5e-5 for `wgan`, Adam 1e-4 with betas (0, 0.9) for `wgan-gp`, else Adam 2e-4 with betas (0.5,
        0.999).
        """
        if self.game == "wgan":
            return torch.optim.RMSprop(weights, lr=self.learning_rate or 5e-5)
        if self.game == "wgan-gp":
            return torch.optim.Adam(weights, lr=self.learning_rate or 1e-4, betas=(0.0, 0.9))
        return torch.optim.Adam(weights, lr=self.learning_rate or 2e-4, betas=(0.5, 0.999))


class GanDetector(Detector):
    """Base of `alpha-gan`, `anogan`, `bigan`, `f-anogan`, `randgan` and `resunet-ganomaly`."""

    Config = GanSettings
    config: GanSettings
    needs_power_of_two = True
    kept: ClassVar[tuple[str, ...]]
    """Names of the networks that scoring needs."""
    stages: ClassVar[tuple[str, ...]] = ("gan",)
    """Training stages in their order; epochs can be chosen in the last stage."""

    @abstractmethod
    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        """Make the networks, by name, with their random initial weights."""

    @abstractmethod
    def learner(self, stage: str, films: Tensor, *, steps: int) -> Learner:
        """Make the learner of a stage. It uses its own dictionary of this detector's networks.

        Args:
            stage: one of `stages`.
            films: (n, 1, size, size), the films from which batches are taken.
            steps: number of training steps of a stage.
        """

    def begin(self, films: Tensor) -> None:
        """Keep the data of the training films, (n, 1, size, size), that scoring needs; called before training."""

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.networks = self._drawn(fitting.training.seed)
        data, settings = (normals.images * normals.inside, normals.inside), fitting.training
        steps = settings.epochs * settings.steps_per_epoch(len(data[0]))
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
        """Draw z ~ N(0, I), (n, latent, 1, 1), with the device and type of `like`."""
        return torch.randn(n, self.config.latent, 1, 1, generator=rng).to(like)

    def _drawn(self, seed: int) -> dict[str, nn.Module]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # for layers that `build` does not initialise
            networks = self.build(torch.Generator().manual_seed(seed))
        for network in networks.values():
            network.eval()
        return networks


def judged(score: float, parts: Mapping[str, float], x: Tensor, restored: Tensor, inside: Tensor) -> Judgement:
    """Make a judgement whose map is |x − restored| inside the mask; the images are (1, 1, size, size)."""
    return Judgement(
        score=score,
        parts=parts,
        anomaly_map=((x - restored).abs() * inside)[0, 0].cpu().numpy(),
        reconstruction=(restored * inside)[0, 0].cpu().numpy(),
    )


def weights_of(modules: Mapping[str, nn.Module], *names: str) -> list[nn.Parameter]:
    """Return the weights of these networks, for one optimiser."""
    return [weight for name in names for weight in modules[name].parameters()]
