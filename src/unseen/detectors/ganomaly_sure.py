"""Detector `ganomaly-sure`: GANomaly with SURE in place of its mean |x − x̂| (the thesis's appendix B.2).

    consistency = [ ‖h(x) − x‖² − σ²m + (2σ²/τ) (Mb)ᵀ(h(x + τMb) − h(x)) ] / n,   h = De∘E1,  b ~ N(0, I)

M = 1, m = n on a whole film. Where the image is a masked crop, only the m pixels inside carry noise, and M is
that mask.
"""

import torch

from unseen.detectors.ganomaly_family import Aim
from unseen.detectors.stein_consistency import SteinConsistency


class GanomalySure(SteinConsistency):
    """GANomaly whose reconstruction is held to the noise-free image, by Stein's unbiased risk estimate.

    >>> GanomalySure(size=64).config.tau
    0.01
    """

    key = "ganomaly-sure"

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        masked = image * inside
        return Aim(x=masked, y=masked, support=inside)
