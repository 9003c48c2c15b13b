"""Base of the restorers with a small code: x̂ = De(E(x)), DCGAN blocks with `latent` numbers between them.

Each member defines the loss.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import nn

from unseen.detectors.restorer import Restorer, RestorerSettings
from unseen.networks.dcgan import DcganDecoder, DcganEncoder


class AutoencoderSettings(RestorerSettings):
    """A small code: with a large one an autoencoder gives lesions back too."""

    latent: int = Field(default=16, ge=1, le=1024, description="length of the code")


class Autoencoder(Restorer):
    """Base of `ae-ssim`, `ae-u` and `one-class-svm`. `outputs`: channels that De gives; `bounded`: whether a tanh ends
    it."""

    Config = AutoencoderSettings
    config: AutoencoderSettings
    needs_power_of_two = True
    outputs: ClassVar[int] = 1
    bounded: ClassVar[bool] = True

    def build(self) -> nn.Module:
        size, features, latent = self.view.size, self.config.features, self.config.latent
        return nn.Sequential(
            DcganEncoder(size, features=features, latent=latent),
            DcganDecoder(size, features=features, latent=latent, channels=self.outputs, bounded=self.bounded),
        )
