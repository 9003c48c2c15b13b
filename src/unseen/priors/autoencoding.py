"""What `VAE` and `AE` share: an encoder beside the decoder, and one Adam for both, whose rate falls near the end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.networks.dcgan import Encoder
from unseen.priors.trained import GeneratorSettings, TrainedGenerator
from unseen.training.learner import steps_taken

_FALLS_TO = 0.1  # the rate, once most steps are taken


class AutoencoderSettings(GeneratorSettings):
    """Adam's rate and fall are those usual for autoencoders of this size."""

    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Adam's")
    milestone: float = Field(default=0.75, gt=0, le=1, description="the share of steps after which it falls to a tenth")


class Autoencoder(TrainedGenerator):
    """A generator that can also say which latent a picture has."""

    Config: ClassVar[type[AutoencoderSettings]] = AutoencoderSettings
    config: AutoencoderSettings
    encoder: Encoder

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """The latents (n, latent) of pictures (n, channels, size, size) in [0, 1]; G of them is near x."""


class AutoencoderLearner:
    """All of a `training.Learner` but `steps`, which a child writes, and begins with `set_rate`."""

    def __init__(self, G: Autoencoder, *, steps: int) -> None:
        self.modules: dict[str, nn.Module] = {"encoder": G.encoder, "decoder": G.decoder}
        weights = [weight for module in self.modules.values() for weight in module.parameters()]
        self.learning_rate, self.falls_at = G.config.learning_rate, G.config.milestone * steps
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(weights, lr=self.learning_rate)
        }

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""

    def set_rate(self) -> None:
        """The rate is a function of the steps that Adam has counted, which a checkpoint holds."""
        optimiser = self.optimisers["generator"]
        done = steps_taken(optimiser)
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate * (_FALLS_TO if done >= self.falls_at else 1)
