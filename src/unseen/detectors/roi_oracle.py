"""Detector `roi-oracle`: `roi-sure` with the plain squared error in place of SURE.

The thesis's "oracle". It differs from `roi-sure` only in the consistency.

    consistency = mean (Y − Ŷ)²,   Y = M ⊙ X,  Ŷ = De(E1(X));   score = ‖E1(X) − E2(Ŷ)‖₂
"""

from typing import TYPE_CHECKING

import torch

from unseen.detectors.ganomaly_family import AdversarialSettings, Aim, EncoderDecoderEncoder

if TYPE_CHECKING:
    from unseen.anatomy.network_view import View


class RoiOracle(EncoderDecoderEncoder):
    """Lung-focused GAN, held to the lungs as they were seen.

    >>> RoiOracle(size=64, features=16).needs_lungs
    True
    """

    key = "roi-oracle"
    needs_lungs = True

    if TYPE_CHECKING:

        def __init__(
            self,
            config: AdversarialSettings | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 32,
            latent: int = 100,
            decoder_slope: float = 0.2,
            adversarial_weight: float = 1.0,
            consistency_weight: float = 50.0,
            encoding_weight: float = 1.0,
            learning_rate: float = 0.0002,
        ) -> None: ...

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        return Aim(x=image, y=image * lungs, support=lungs)

    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return ((aim.y - prediction.float()) ** 2).flatten(1).mean(1)
