"""Detector `ae-ssim`: an autoencoder trained by structural similarity instead of grey values.

    loss = mean over the mask of 1 − SSIM(x, x̂);     marks = 1 − SSIM(x, x̂)

SSIM with a Gaussian window of σ = 1.5 pixels (`losses.structural_similarity.similarity_map`).

Source: Bergmann, Löwe, Fauser, Sattlegger & Steger, "Improving unsupervised defect segmentation by applying structural
similarity to autoencoders", VISAPP 2019, equations 3 to 6, arXiv 1807.02011.
"""

from __future__ import annotations

from torch import Tensor

from unseen.detectors.autoencoder import Autoencoder
from unseen.losses.structural_similarity import dissimilarity_map, structural_dissimilarity

_PEAK = 2.0  # the range of network units


class AeSsim(Autoencoder):
    """Autoencoder by structural similarity.

    >>> AeSsim(size=64).config.latent
    16
    """

    key = "ae-ssim"

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        return structural_dissimilarity(output * inside, x, inside=inside, peak=_PEAK)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        return dissimilarity_map(output * inside, x, peak=_PEAK).clamp(min=0), output
