"""Detector `roi-oracle`: `roi-sure` with the plain squared error in place of SURE.

The thesis's "oracle". It differs from `roi-sure` only in the consistency.

    consistency = mean (Y − Ŷ)²,   Y = M ⊙ X,  Ŷ = De(E1(X));   score = ‖E1(X) − E2(Ŷ)‖₂
"""

import torch

from unseen.detectors.ganomaly_family import Aim, EncoderDecoderEncoder


class RoiOracle(EncoderDecoderEncoder):
    """Lung-focused GAN, held to the lungs as they were seen.

    >>> RoiOracle(size=64, features=16).needs_lungs
    True
    """

    key = "roi-oracle"
    needs_lungs = True

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        return Aim(x=image, y=image * lungs, support=lungs)

    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return ((aim.y - prediction.float()) ** 2).flatten(1).mean(1)
