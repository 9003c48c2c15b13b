"""Detector `ganomaly`: encoder, decoder and second encoder with an adversarial loss, trained on normals.

    y = x,  consistency = mean |x − x̂|
    L_G = 1·mean (f(x) − f(x̂))² + 50·mean |x − x̂| + 1·mean (z − ẑ)²;   score = ‖z − ẑ‖₂

Source: Akcay, Atapour-Abarghouei, Breckon, "GANomaly: semi-supervised anomaly detection via adversarial training",
ACCV 2018, equations 1–6, arXiv 1805.06725. Differs from the authors' code, which scores in train mode (so that batch
mates change a score) and min–max scales over the test set: here a score is computed in eval mode and not rescaled.
"""

from __future__ import annotations

import torch
from pydantic import Field

from unseen.detectors.ganomaly_family import AdversarialSettings, Aim, EncoderDecoderEncoder


class Ganomaly(EncoderDecoderEncoder):
    """GANomaly (Akcay et al. 2018).

    >>> Ganomaly(size=64, features=16).config.consistency_weight
    50.0
    """

    key = "ganomaly"

    class Config(AdversarialSettings):
        """Settings of GANomaly. The decoder's hidden activation is ReLU, as there (the thesis has LeakyReLU(0.2))."""

        decoder_slope: float = Field(default=0.0, ge=0, lt=1)

    config: Config

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        masked = image * inside
        return Aim(x=masked, y=masked, support=inside)

    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return (aim.y - prediction.float()).abs().flatten(1).mean(1)
