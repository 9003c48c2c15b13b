"""Detector `roi-sure`: GANomaly that outputs only the lungs, with SURE as consistency.

The thesis's own detector. The network sees the film X; its target is the film inside the lungs, Y = M ⊙ X.

    Ŷ = De(E1(X)),  Y = M ⊙ X;   score = ‖E1(X) − E2(Ŷ)‖₂
    L_G = 1·mean (f(Y) − f(Ŷ))² + 50·SURE + 1·mean (E1(X) − E2(Ŷ))²
    SURE = [ ‖h(X) − Y‖² − σ²m + (2σ²/τ) (Mb)ᵀ(h(X + τMb) − h(X)) ] / n,   h = De∘E1,  b ~ N(0, I),  m = |M|

SURE is unbiased for E‖h(X) − M ⊙ X₀‖²/n, X₀ the noise-free film. The thesis's equation 4.4 counts σ² once and lacks
1/τ: it is kept as `form = "literal-mse"` and `"literal-norm"`. The mask is the predicted one and is used in the
target of training; the score needs none.

Source: the thesis, sections 4.2–4.3; SURE: Stein 1981, Ramani, Blu, Unser 2008.
"""

import torch

from unseen.detectors.ganomaly_family import Aim
from unseen.detectors.stein_consistency import SteinConsistency


class RoiSure(SteinConsistency):
    """Lung-focused GAN, held to the noise-free lungs by SURE.

    >>> RoiSure(size=64, features=16).config.form
    'unbiased'
    """

    key = "roi-sure"
    needs_lungs = True

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        return Aim(x=image, y=image * lungs, support=lungs)
