"""Detector `ganomaly-sure`: GANomaly with SURE in place of its mean |x − x̂| (the thesis's appendix B.2).

    consistency = [ ‖h(x) − x‖² − σ²m + (2σ²/τ) (Mb)ᵀ(h(x + τMb) − h(x)) ] / n,   h = De∘E1,  b ~ N(0, I)

M = 1, m = n on a whole film. Where the image is a masked crop, only the m pixels inside carry noise, and M is
that mask.
"""

from typing import TYPE_CHECKING, Literal

import torch

from unseen.detectors.ganomaly_family import Aim
from unseen.detectors.stein_consistency import SteinConsistency, SteinSettings

if TYPE_CHECKING:
    from unseen.anatomy.network_view import View


class GanomalySure(SteinConsistency):
    """GANomaly whose reconstruction is held to the noise-free image, by Stein's unbiased risk estimate.

    >>> GanomalySure(size=64).config.tau
    0.01
    """

    key = "ganomaly-sure"

    if TYPE_CHECKING:

        def __init__(
            self,
            config: SteinSettings | None = None,
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
            sigma: float | None = None,
            tau: float = 0.01,
            noise: Literal["gaussian", "poisson", "mixed"] = "gaussian",
            gain: float | None = None,
            form: Literal["unbiased", "literal-mse", "literal-norm"] = "unbiased",
        ) -> None: ...

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        masked = image * inside
        return Aim(x=masked, y=masked, support=inside)
